// Defines the same identifier as driver.c: one of the two stays.
#define __attribute__(x)
#define INITGUID
#include "wdm.h"

DEFINE_GUID(GUID_BOTH, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11);
