// The interface identifiers, defined once for the library.
#define INITGUID
#include "portcls.h"
