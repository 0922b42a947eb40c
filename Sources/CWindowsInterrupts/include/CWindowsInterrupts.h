// What the Swift half imports; drivers include wdm.h, portcls.h and stdunk.h.
#include "interruptsync_windows.h"
#include "isw/core.h"
#include "portcls.h"
