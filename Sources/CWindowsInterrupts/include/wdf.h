// Windows' driver framework, as far as interrupt code uses it. docs/windows.md says for each identifier what it does
// here.
#ifndef ISW_WDF_H
#define ISW_WDF_H

#include "wdm.h"

#include "isw/wdf/wdftypes.h"

#include "isw/wdf/wdfdevice.h"
#include "isw/wdf/wdfdpc.h"
#include "isw/wdf/wdfdriver.h"
#include "isw/wdf/wdfinterrupt.h"
#include "isw/wdf/wdfobject.h"
#include "isw/wdf/wdfresource.h"
#include "isw/wdf/wdfstatus.h"
#include "isw/wdf/wdfsync.h"
#include "isw/wdf/wdftimer.h"
#include "isw/wdf/wdfworkitem.h"

#include "isw/wdf/absent.h"

#endif
