// What the Swift half imports; drivers include wdm.h, wdf.h, portcls.h and stdunk.h.
#include "interruptsync_windows.h"
#include "isw/core.h"
#include "isw/wdf/core.h"
#include "portcls.h"
