// A device's memory and ports, within the regions that the process's device objects have.
#ifndef ISW_MAPPING_H
#define ISW_MAPPING_H

#include "types.h"

typedef enum _MEMORY_CACHING_TYPE {
  MmNonCached = 0,
  MmCached = 1,
  MmWriteCombined = 2
} MEMORY_CACHING_TYPE;

ISW_BEGIN_C

/// The address of a part of a device's memory region; NULL, with a report, for anything else. The kernel driver
/// decides about caching. PASSIVE_LEVEL to DISPATCH_LEVEL.
PVOID MmMapIoSpace(PHYSICAL_ADDRESS PhysicalAddress, SIZE_T NumberOfBytes, MEMORY_CACHING_TYPE CacheType);
/// Ends one MmMapIoSpace; the device keeps the mapping until it is deleted.
VOID MmUnmapIoSpace(PVOID BaseAddress, SIZE_T NumberOfBytes);

/// Ports of a device's port region, by their numbers in the translated descriptors. A port of no device is reported
/// and reads as all ones. One system call each. Any level.
UCHAR READ_PORT_UCHAR(PUCHAR Port);
USHORT READ_PORT_USHORT(PUSHORT Port);
ULONG READ_PORT_ULONG(PULONG Port);
VOID WRITE_PORT_UCHAR(PUCHAR Port, UCHAR Value);
VOID WRITE_PORT_USHORT(PUSHORT Port, USHORT Value);
VOID WRITE_PORT_ULONG(PULONG Port, ULONG Value);

ISW_END_C

#define ISW_PORT_BUFFER(suffix, type)                                                                             \
  /* `Count` accesses to the one port. */                                                                         \
  FORCEINLINE VOID READ_PORT_BUFFER_##suffix(type *Port, type *Buffer, ULONG Count) {                             \
    while (Count--) *Buffer++ = READ_PORT_##suffix(Port);                                                         \
  }                                                                                                               \
  FORCEINLINE VOID WRITE_PORT_BUFFER_##suffix(type *Port, type *Buffer, ULONG Count) {                            \
    while (Count--) WRITE_PORT_##suffix(Port, *Buffer++);                                                         \
  }
ISW_PORT_BUFFER(UCHAR, UCHAR)
ISW_PORT_BUFFER(USHORT, USHORT)
ISW_PORT_BUFFER(ULONG, ULONG)
#undef ISW_PORT_BUFFER

#endif
