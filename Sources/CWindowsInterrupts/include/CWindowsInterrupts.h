// Floor 5: what the Swift half (WindowsInterrupts) imports. Drivers include wdm.h, wdf.h, portcls.h and stdunk.h. Only
// includes: no thread, no lock.
#include "isw/core.h"
#include "portcls.h"
