// Windows interfaces, floor 5: the part of Windows' driver framework that interrupt code uses. Drivers include it; each
// header below gives the thread, the level and the lock of its calls. docs/windows.md says for each identifier what it
// does here.
#ifndef ISW_WDF_H
#define ISW_WDF_H

#include "wdm.h"

#include "isw/wdf/wdfdeferred.h"
#include "isw/wdf/wdfdevice.h"
#include "isw/wdf/wdfdma.h"
#include "isw/wdf/wdfinterrupt.h"
#include "isw/wdf/wdfobject.h"

#include "isw/wdf/absent.h"

#endif
