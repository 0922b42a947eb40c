// Windows interfaces, floor 5: the part of Windows' driver model that interrupt code uses. Drivers include it; each
// header below gives the thread, the level and the lock of its calls. docs/windows.md says for each identifier what it
// does here.
#ifndef ISW_WDM_H
#define ISW_WDM_H

#include "ntdef.h"

#include "isw/debug.h"
#include "isw/deferred.h"
#include "isw/device.h"
#include "isw/dispatcher.h"
#include "isw/dma.h"
#include "isw/interrupt.h"
#include "isw/irql.h"
#include "isw/lists.h"
#include "isw/memory.h"
#include "isw/power.h"

#include "isw/absent.h"

#endif
