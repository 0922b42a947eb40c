// Windows interfaces, floor 5: common buffers, which are memory that a bus master and the driver share. Drivers call
// these on threads of their own at PASSIVE_LEVEL, without an interrupt lock: all may wait for memory (K29 to K31).
#ifndef ISW_DMA_H
#define ISW_DMA_H

#include "device.h"
#include "types.h"

#define DEVICE_DESCRIPTION_VERSION 0
#define DEVICE_DESCRIPTION_VERSION1 1
#define DEVICE_DESCRIPTION_VERSION2 2
#define DEVICE_DESCRIPTION_VERSION3 3

typedef enum _DMA_WIDTH {
  Width8Bits,
  Width16Bits,
  Width32Bits,
  Width64Bits,
  WidthNoWrap,
  MaximumDmaWidth
} DMA_WIDTH, *PDMA_WIDTH;

typedef enum _DMA_SPEED { Compatible, TypeA, TypeB, TypeC, TypeF, MaximumDmaSpeed } DMA_SPEED, *PDMA_SPEED;

/// How a device uses memory. Clear it, then set what applies. Fields without a comment are for system DMA controllers,
/// which no device here uses; they have no effect.
typedef struct _DEVICE_DESCRIPTION {
  /// DEVICE_DESCRIPTION_VERSION to DEVICE_DESCRIPTION_VERSION3.
  ULONG Version;
  /// TRUE: it moves the data itself. Required.
  BOOLEAN Master;
  BOOLEAN ScatterGather;
  BOOLEAN DemandMode;
  BOOLEAN AutoInitialize;
  /// It reaches addresses of 32 bits. Without this and the next one: of 24 bits.
  BOOLEAN Dma32BitAddresses;
  BOOLEAN IgnoreCount;
  BOOLEAN Reserved1;
  /// It reaches addresses of 64 bits.
  BOOLEAN Dma64BitAddresses;
  ULONG BusNumber;
  ULONG DmaChannel;
  INTERFACE_TYPE InterfaceType;
  DMA_WIDTH DmaWidth;
  DMA_SPEED DmaSpeed;
  /// The longest transfer.
  ULONG MaximumLength;
  ULONG DmaPort;
  /// In version 3: the number of address bits that it has, or 0 to let the two fields above say it.
  ULONG DmaAddressWidth;
  ULONG DmaControllerInstance;
  ULONG DmaRequestLine;
  PHYSICAL_ADDRESS DeviceAddress;
} DEVICE_DESCRIPTION, *PDEVICE_DESCRIPTION;

typedef struct _DMA_ADAPTER *PDMA_ADAPTER;

/// Ends an adapter. One that still has common buffers is reported, and stays. PASSIVE_LEVEL.
typedef VOID PUT_DMA_ADAPTER(PDMA_ADAPTER DmaAdapter);
typedef PUT_DMA_ADAPTER *PPUT_DMA_ADAPTER;
/// Whole pages, cleared. `*LogicalAddress` is where the device finds them, and the result where the driver does. NULL
/// without memory, addresses or the device; a report says why. `CacheEnabled` has no effect. PASSIVE_LEVEL.
typedef PVOID ALLOCATE_COMMON_BUFFER(PDMA_ADAPTER DmaAdapter, ULONG Length, PPHYSICAL_ADDRESS LogicalAddress,
                                     BOOLEAN CacheEnabled);
typedef ALLOCATE_COMMON_BUFFER *PALLOCATE_COMMON_BUFFER;
/// Takes the memory away from the device, and frees it. `Length` and both addresses are those of the allocation.
/// PASSIVE_LEVEL.
typedef VOID FREE_COMMON_BUFFER(PDMA_ADAPTER DmaAdapter, ULONG Length, PHYSICAL_ADDRESS LogicalAddress,
                                PVOID VirtualAddress, BOOLEAN CacheEnabled);
typedef FREE_COMMON_BUFFER *PFREE_COMMON_BUFFER;

/// The operations that exist here. Windows has more, for transfers of other memory.
typedef struct _DMA_OPERATIONS {
  ULONG Size;
  PPUT_DMA_ADAPTER PutDmaAdapter;
  PALLOCATE_COMMON_BUFFER AllocateCommonBuffer;
  PFREE_COMMON_BUFFER FreeCommonBuffer;
} DMA_OPERATIONS, *PDMA_OPERATIONS;

typedef struct _DMA_ADAPTER {
  USHORT Version;
  USHORT Size;
  PDMA_OPERATIONS DmaOperations;
} DMA_ADAPTER;

ISW_BEGIN_C

/// The adapter of a device that is behind an IOMMU, with vfio-pci as its driver, or of a software device. End it with
/// its PutDmaAdapter. `*NumberOfMapRegisters` is the number of pages that `MaximumLength` bytes can touch.
/// PASSIVE_LEVEL.
///
/// NULL for any other device, without a bus master, for a version that does not exist, and at a wrong level; a report
/// says why.
PDMA_ADAPTER IoGetDmaAdapter(PDEVICE_OBJECT PhysicalDeviceObject, PDEVICE_DESCRIPTION DeviceDescription,
                             PULONG NumberOfMapRegisters);

ISW_END_C

#endif
