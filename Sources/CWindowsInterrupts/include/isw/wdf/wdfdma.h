// Windows interfaces, floor 5: common buffers of the framework, which end with their DMA enabler, and that with its
// device. Drivers make and end them on a thread of their own at PASSIVE_LEVEL, without an interrupt lock: both may wait
// for memory (W33 to W35). They read a buffer's addresses at any level, also in an ISR.
#ifndef ISW_WDFDMA_H
#define ISW_WDFDMA_H

#include "wdfobject.h"

// DMA enablers.

/// What a device can do. Here only the width of its addresses counts: 32 bits, or 64.
typedef enum _WDF_DMA_PROFILE {
  WdfDmaProfileInvalid = 0,
  WdfDmaProfilePacket,
  WdfDmaProfileScatterGather,
  WdfDmaProfilePacket64,
  WdfDmaProfileScatterGather64,
  WdfDmaProfileScatterGatherDuplex,
  WdfDmaProfileScatterGather64Duplex,
  /// System DMA, as the next one: there is none.
  WdfDmaProfileSystem,
  WdfDmaProfileSystemDuplex
} WDF_DMA_PROFILE;

/// Without Windows' callbacks: EvtDeviceD0Entry and EvtDeviceD0Exit are called at the same times.
typedef struct _WDF_DMA_ENABLER_CONFIG {
  ULONG Size;
  WDF_DMA_PROFILE Profile;
  /// The longest transfer.
  size_t MaximumLength;
  /// The number of address bits that the device has, or 0 to let the profile say it.
  ULONG AddressWidthOverride;
  /// Has no effect, nor has the next field.
  ULONG WdmDmaVersionOverride;
  ULONG Flags;
} WDF_DMA_ENABLER_CONFIG, *PWDF_DMA_ENABLER_CONFIG;

ISW_INLINE VOID WDF_DMA_ENABLER_CONFIG_INIT(PWDF_DMA_ENABLER_CONFIG Config, WDF_DMA_PROFILE Profile,
                                             size_t MaximumLength) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->Profile = Profile;
  Config->MaximumLength = MaximumLength;
}

ISW_BEGIN_C

/// Its parent is the device, unless the attributes name an object below it. PASSIVE_LEVEL.
///
/// STATUS_INFO_LENGTH_MISMATCH; STATUS_INVALID_PARAMETER (no configuration, no profile, a MaximumLength of 0);
/// STATUS_NOT_SUPPORTED (system DMA); STATUS_INVALID_DEVICE_REQUEST (a parent that is not below the device);
/// STATUS_INSUFFICIENT_RESOURCES (a device that is neither behind vfio-pci nor a software device; a report says so);
/// STATUS_INVALID_DEVICE_STATE (level); and the errors of WdfObjectCreate for attributes.
NTSTATUS WdfDmaEnablerCreate(WDFDEVICE Device, PWDF_DMA_ENABLER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes,
                             WDFDMAENABLER *DmaEnablerHandle);
/// Any level.
size_t WdfDmaEnablerGetMaximumLength(WDFDMAENABLER DmaEnabler);

ISW_END_C

// Common buffers.

// Alignments: one less than a power of two.
#define FILE_BYTE_ALIGNMENT 0x00000000
#define FILE_WORD_ALIGNMENT 0x00000001
#define FILE_LONG_ALIGNMENT 0x00000003
#define FILE_QUAD_ALIGNMENT 0x00000007
#define FILE_OCTA_ALIGNMENT 0x0000000f
#define FILE_32_BYTE_ALIGNMENT 0x0000001f
#define FILE_64_BYTE_ALIGNMENT 0x0000003f
#define FILE_128_BYTE_ALIGNMENT 0x0000007f
#define FILE_256_BYTE_ALIGNMENT 0x000000ff
#define FILE_512_BYTE_ALIGNMENT 0x000001ff

typedef struct _WDF_COMMON_BUFFER_CONFIG {
  ULONG Size;
  /// One less than the power of two of which the logical address is a multiple. Both addresses begin a page anyway.
  ULONG AlignmentRequirement;
} WDF_COMMON_BUFFER_CONFIG, *PWDF_COMMON_BUFFER_CONFIG;

ISW_INLINE VOID WDF_COMMON_BUFFER_CONFIG_INIT(PWDF_COMMON_BUFFER_CONFIG Config, ULONG AlignmentRequirement) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->AlignmentRequirement = AlignmentRequirement;
}

ISW_BEGIN_C

/// Memory that the device and the driver share, cleared. Its parent is the enabler. Its memory ends with its last
/// reference: delete it at PASSIVE_LEVEL, when the device uses it no more. PASSIVE_LEVEL.
///
/// STATUS_INVALID_PARAMETER (a length of 0, an alignment that is not one less than a power of two),
/// STATUS_INSUFFICIENT_RESOURCES (memory, the limit of locked memory, addresses that the device reaches),
/// STATUS_NOT_FOUND (the device is gone), STATUS_INVALID_DEVICE_STATE (level),
/// STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED, and the errors of WdfObjectCreate for attributes. A report has the cause.
NTSTATUS WdfCommonBufferCreate(WDFDMAENABLER DmaEnabler, size_t Length, PWDF_OBJECT_ATTRIBUTES Attributes,
                               WDFCOMMONBUFFER *CommonBuffer);
/// The same with an alignment. STATUS_INFO_LENGTH_MISMATCH for a wrong Size.
NTSTATUS WdfCommonBufferCreateWithConfig(WDFDMAENABLER DmaEnabler, size_t Length, PWDF_COMMON_BUFFER_CONFIG Config,
                                         PWDF_OBJECT_ATTRIBUTES Attributes, WDFCOMMONBUFFER *CommonBuffer);
/// Where the driver finds the first byte. Any level.
PVOID WdfCommonBufferGetAlignedVirtualAddress(WDFCOMMONBUFFER CommonBuffer);
/// Where the device finds it. Any level.
PHYSICAL_ADDRESS WdfCommonBufferGetAlignedLogicalAddress(WDFCOMMONBUFFER CommonBuffer);
/// As asked for. Any level.
size_t WdfCommonBufferGetLength(WDFCOMMONBUFFER CommonBuffer);

ISW_END_C

#endif
