// The base that every other header stands on: types, annotations, status values.
#ifndef ISW_NTDEF_H
#define ISW_NTDEF_H
#include "isw/annotations.h"
#include "isw/types.h"
#include "ntstatus.h"
#endif
