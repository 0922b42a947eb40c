// The base of every other header: types, annotations, status values.
#ifndef ISW_NTDEF_H
#define ISW_NTDEF_H
#include "isw/annotations.h"
#include "isw/types.h"
#include "ntstatus.h"
#endif
