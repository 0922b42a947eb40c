// Windows interfaces, floor 5: the base of every other header: types, annotations, status values. No code.
#ifndef ISW_NTDEF_H
#define ISW_NTDEF_H
#include "isw/annotations.h"
#include "isw/types.h"
#include "ntstatus.h"
#endif
