// C interface, floor 5: memory that a device and the program share. Behind an IOMMU interruptsync_vfio_allocate() makes
// it (vfio.h); for a UIO device on a machine without one, interruptsync_device_allocate(). Programs make and release it
// on the caller's thread at PASSIVE level, without an interrupt lock, as both may wait for memory. Any thread may use
// the memory and the two sync calls at any level, also in a routine; the program orders its threads.
#ifndef INTERRUPTSYNC_DMA_H
#define INTERRUPTSYNC_DMA_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// Which side writes a DMA buffer.
enum {
  INTERRUPTSYNC_DMA_BOTH = 0,
  /// The device only reads; an IOMMU stops it when it writes.
  INTERRUPTSYNC_DMA_TO_DEVICE = 1,
  /// The device only writes.
  INTERRUPTSYNC_DMA_FROM_DEVICE = 2,
};

typedef struct interruptsync_dma_info {
  size_t size;
  /// The first byte, for the program. The bytes begin as zeros.
  void *address;
  /// The same byte, for the device: the IOVA, or without an IOMMU the physical address.
  uint64_t device_address;
  /// Bytes that were asked for. The device also reaches the rest of the last page.
  uint64_t length;
  /// INTERRUPTSYNC_DMA_…
  uint32_t direction;
  uint32_t reserved;
} interruptsync_dma_info;

/// Makes memory for a device that no IOMMU keeps to its own: a part of a huge page, in one piece, at its physical address.
/// It takes a free huge page (/proc/sys/vm/nr_hugepages), which all buffers of the process share, CAP_SYS_ADMIN to see
/// physical addresses, and no IOMMU that translates the device's (facts 60 to 63). The memory is pinned by io_uring. It
/// ends with its last reference; stop the device before, because nothing keeps it from other memory of the machine,
/// whatever `direction` says. `alignment` is what the device's address is a multiple of, a power of two or 0; a page at
/// least. `last_address` is the highest address that the device reaches: 0xffffffff for 32 bits, 0 for all. Turn bus
/// mastering on before the device uses it (interruptsync_line_set_bus_master()).
/// Errors: -EOPNOTSUPP (an IOMMU or the bus translates the device's addresses, or no huge page is large enough), -EACCES
/// (CAP_SYS_ADMIN, io_uring), -ENOMEM (no free huge page, or the limit of locked memory), -ENOSPC (no huge page that the
/// device reaches), -ENODEV, -ECHILD, -EINVAL (also: a length of 0, an alignment that is no power of two, no such
/// direction).
int interruptsync_device_allocate(interruptsync_device *device, uint64_t length, uint64_t alignment, uint32_t direction,
                                  uint64_t last_address, interruptsync_dma **buffer);

/// Errors: -EINVAL.
int interruptsync_dma_get_info(interruptsync_dma *buffer, interruptsync_dma_info *info);

/// Orders the accesses of both sides. Call the first one before the device goes on: it then sees everything that the
/// program has written. Call the second one before you read what the device has written. Level: any.
/// Errors: -EINVAL.
int interruptsync_dma_sync_for_device(interruptsync_dma *buffer);
int interruptsync_dma_sync_for_program(interruptsync_dma *buffer);

INTERRUPTSYNC_END

#endif
