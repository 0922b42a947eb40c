// Rtl…Memory and tagged pool.
#ifndef ISW_MEMORY_H
#define ISW_MEMORY_H

#include <string.h>

#include "types.h"

#define RtlCopyMemory(destination, source, length) ((void)memcpy((destination), (source), (length)))
#define RtlMoveMemory(destination, source, length) ((void)memmove((destination), (source), (length)))
#define RtlZeroMemory(destination, length) ((void)memset((destination), 0, (length)))
#define RtlFillMemory(destination, length, value) ((void)memset((destination), (value), (length)))
#define RtlEqualMemory(a, b, length) (memcmp((a), (b), (length)) == 0)

/// Bytes that are equal from the start on.
FORCEINLINE SIZE_T RtlCompareMemory(const VOID *a, const VOID *b, SIZE_T length) {
  const UCHAR *x = (const UCHAR *)a, *y = (const UCHAR *)b;
  SIZE_T equal = 0;
  while (equal < length && x[equal] == y[equal]) equal++;
  return equal;
}

/// Zeroes memory that is not read again.
FORCEINLINE PVOID RtlSecureZeroMemory(PVOID destination, SIZE_T length) {
  memset(destination, 0, length);
  __asm__ volatile("" : : "r"(destination) : "memory");
  return destination;
}

typedef enum _POOL_TYPE {
  NonPagedPool = 0,
  NonPagedPoolExecute = 0,
  PagedPool = 1,
  NonPagedPoolCacheAligned = 4,
  PagedPoolCacheAligned = 5,
  NonPagedPoolNx = 512,
  NonPagedPoolNxCacheAligned = 516
} POOL_TYPE;

typedef ULONG64 POOL_FLAGS;
#define POOL_FLAG_UNINITIALIZED 0x02ull
#define POOL_FLAG_CACHE_ALIGNED 0x08ull
#define POOL_FLAG_NON_PAGED 0x40ull
#define POOL_FLAG_PAGED 0x100ull

ISW_BEGIN_C

/// Memory with a tag, aligned to 16 bytes (64 for cache-aligned kinds), not cleared; NULL when there is none. All
/// kinds come from the process's heap. Up to DISPATCH_LEVEL, paged kinds at PASSIVE_LEVEL and APC_LEVEL.
PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
/// The same, cleared.
PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
/// The same, cleared unless POOL_FLAG_UNINITIALIZED; a tag of 0 gives NULL.
PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);
/// Without a tag.
PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);
/// Gives it back. DPCs and spin locks inside the block end with it.
VOID ExFreePool(PVOID P);
/// The same, and reports a tag that differs from the allocation's (0 takes any).
VOID ExFreePoolWithTag(PVOID P, ULONG Tag);

ISW_END_C

#endif
