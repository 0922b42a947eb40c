// Windows interfaces, floor 5. A driver includes it in one source: from here on DEFINE_GUID defines identifiers in that
// source. Only macros: no thread, no lock.
#ifndef INITGUID
#define INITGUID
#endif
#include "ntdef.h"

#include "isw/guid.h"
