// Windows interfaces, floor 5: from here on DEFINE_GUID defines identifiers in this source. No code.
#ifndef INITGUID
#define INITGUID
#endif
#include "ntdef.h"

#include "isw/guid.h"
