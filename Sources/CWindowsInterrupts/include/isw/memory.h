// Windows interfaces, floor 5: the process's own memory (Rtl…Memory, tagged pool), and a device's (mappings, registers,
// ports). Drivers call these on any thread: pool and mappings up to DISPATCH_LEVEL, registers and ports at any level,
// also in an ISR. They take no interrupt lock; only it orders the accesses of several threads. Mappings and ports reach
// only regions of the process's device objects.
#ifndef ISW_MEMORY_H
#define ISW_MEMORY_H

#include <string.h>

#include "types.h"

// The process's memory.

#define RtlCopyMemory(destination, source, length) ((void)memcpy((destination), (source), (length)))
#define RtlMoveMemory(destination, source, length) ((void)memmove((destination), (source), (length)))
#define RtlZeroMemory(destination, length) ((void)memset((destination), 0, (length)))
#define RtlFillMemory(destination, length, value) ((void)memset((destination), (value), (length)))
#define RtlEqualMemory(a, b, length) (memcmp((a), (b), (length)) == 0)

/// The number of equal bytes from the start.
ISW_INLINE SIZE_T RtlCompareMemory(const VOID *a, const VOID *b, SIZE_T length) {
  const UCHAR *x = (const UCHAR *)a, *y = (const UCHAR *)b;
  SIZE_T equal = 0;
  while (equal < length && x[equal] == y[equal]) equal++;
  return equal;
}

/// Zeroes memory that is not read again.
ISW_INLINE PVOID RtlSecureZeroMemory(PVOID destination, SIZE_T length) {
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

/// Memory with a tag, aligned to 16 bytes (64 for cache-aligned kinds), not cleared; NULL without memory. All kinds
/// come from the process's heap. Up to DISPATCH_LEVEL; paged kinds at PASSIVE_LEVEL and APC_LEVEL.
PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
/// The same, cleared.
PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag);
/// The same, cleared unless POOL_FLAG_UNINITIALIZED; with a tag of 0 it returns NULL.
PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag);
/// Without a tag.
PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes);
/// Frees a block. DPCs and spin locks inside the block end with it.
VOID ExFreePool(PVOID P);
/// The same, and reports a tag that differs from the allocation's (0 matches any).
VOID ExFreePoolWithTag(PVOID P, ULONG Tag);

ISW_END_C

/// No memory descriptor lists exist: pass what the driver has.
typedef struct _MDL MDL, *PMDL;

/// Orders the process's accesses to memory that it shares with a device. Common buffers are coherent, so nothing is
/// flushed. Any level.
ISW_INLINE VOID KeFlushIoBuffers(PMDL Mdl, BOOLEAN ReadOperation, BOOLEAN DmaOperation) {
  (void)Mdl, (void)ReadOperation, (void)DmaOperation;
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

// A device's memory and ports, within the regions of the process's device objects.

typedef enum _MEMORY_CACHING_TYPE {
  MmNonCached = 0,
  MmCached = 1,
  MmWriteCombined = 2
} MEMORY_CACHING_TYPE;

ISW_BEGIN_C

/// Returns the address of a part of a device's memory region; NULL, with a report, for any other address. The kernel
/// driver decides about caching. PASSIVE_LEVEL to DISPATCH_LEVEL.
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType);
/// Undoes one MmMapIoSpace; the device keeps the mapping until its deletion.
VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);

/// Ports of a device's port region, by their numbers in the translated descriptors. A port that belongs to no device is
/// reported, and reads as all ones. One system call each. Any level.
UCHAR READ_PORT_UCHAR(PUCHAR Port);
USHORT READ_PORT_USHORT(PUSHORT Port);
ULONG READ_PORT_ULONG(PULONG Port);
VOID WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value);
VOID WRITE_PORT_USHORT(PUSHORT Port, USHORT Value);
VOID WRITE_PORT_ULONG(PULONG Port, ULONG Value);

ISW_END_C

#define ISW_PORT_BUFFER(suffix, type)                                                                             \
  /* `Count` accesses to the one port. */                                                                         \
  ISW_INLINE VOID READ_PORT_BUFFER_##suffix(type *Port, type *Buffer, ULONG Count) {                             \
    while (Count--) *Buffer++ = READ_PORT_##suffix(Port);                                                         \
  }                                                                                                               \
  ISW_INLINE VOID WRITE_PORT_BUFFER_##suffix(type *Port, type *Buffer, ULONG Count) {                            \
    while (Count--) WRITE_PORT_##suffix(Port, *Buffer++);                                                         \
  }
ISW_PORT_BUFFER(UCHAR, UCHAR)
ISW_PORT_BUFFER(USHORT, USHORT)
ISW_PORT_BUFFER(ULONG, ULONG)
#undef ISW_PORT_BUFFER

// Memory-mapped registers: one volatile access each, with the ordering that device memory needs. Any level. The
// addresses come from MmMapIoSpace. No access checks that the device is still there.

#if defined(__aarch64__)
#define ISW_AFTER_READ() __asm__ volatile("dmb oshld" ::: "memory")
#define ISW_BEFORE_WRITE() __asm__ volatile("dmb oshst" ::: "memory")
#elif defined(__x86_64__)
// Uncached memory is strongly ordered on x86; only the compiler has to be held.
#define ISW_AFTER_READ() __asm__ volatile("" ::: "memory")
#define ISW_BEFORE_WRITE() __asm__ volatile("" ::: "memory")
#else
#define ISW_AFTER_READ() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define ISW_BEFORE_WRITE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#define ISW_REGISTER(suffix, type)                                                                                \
  ISW_INLINE type READ_REGISTER_##suffix(volatile type *Register) {                                              \
    type value = *Register;                                                                                       \
    ISW_AFTER_READ();                                                                                             \
    return value;                                                                                                 \
  }                                                                                                               \
  ISW_INLINE VOID WRITE_REGISTER_##suffix(volatile type *Register, type Value) {                                 \
    ISW_BEFORE_WRITE();                                                                                           \
    *Register = Value;                                                                                            \
  }                                                                                                               \
  /* `Count` registers one after the other. */                                                                     \
  ISW_INLINE VOID READ_REGISTER_BUFFER_##suffix(volatile type *Register, type *Buffer, ULONG Count) {            \
    while (Count--) *Buffer++ = READ_REGISTER_##suffix(Register++);                                               \
  }                                                                                                               \
  ISW_INLINE VOID WRITE_REGISTER_BUFFER_##suffix(volatile type *Register, type *Buffer, ULONG Count) {           \
    while (Count--) WRITE_REGISTER_##suffix(Register++, *Buffer++);                                               \
  }

ISW_REGISTER(UCHAR, UCHAR)
ISW_REGISTER(USHORT, USHORT)
ISW_REGISTER(ULONG, ULONG)
ISW_REGISTER(ULONG64, ULONG64)
#undef ISW_REGISTER

#endif
