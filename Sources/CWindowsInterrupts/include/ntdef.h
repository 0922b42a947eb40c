// Windows interfaces, floor 5: the base that drivers and the other headers include: types, annotations, status values.
// Only includes: no thread, no lock.
#ifndef ISW_NTDEF_H
#define ISW_NTDEF_H
#include "isw/annotations.h"
#include "isw/types.h"
#include "ntstatus.h"
#endif
