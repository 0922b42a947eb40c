// What the Swift half imports. Drivers include wdm.h, wdf.h, portcls.h and stdunk.h.
#include "isw/core.h"
#include "portcls.h"
