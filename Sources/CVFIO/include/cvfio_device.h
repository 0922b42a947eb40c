// Floor 0: what a device has, and its reset. VFIODevice calls it through VFIOKernel.swift at PASSIVE level: without a
// lock on the thread that opens the device, with the device's monitor held on the one that opens a region or resets it.
// Never with an interrupt lock held: a reset may wait.
#ifndef CVFIO_DEVICE_H
#define CVFIO_DEVICE_H

#include "linux_attributes.h"

/// Indexes of a PCI function's regions: 0 to 5 are its BARs.
enum { CVFIO_REGION_CONFIGURATION = 7 };

typedef struct cvfio_region {
  /// Bytes; 0 where the function has no such region.
  uint64_t size;
  /// Where it begins in the device's file.
  uint64_t offset;
  bool is_mappable;
} cvfio_region;

/// Returns 1 when the device can be reset, 0 when it cannot, or -errno.
int cvfio_device_can_reset(int device);

/// -EINVAL when the device cannot be reset (V9).
int cvfio_device_reset(int device);

/// Describes a region. Returns 0 or -errno.
int cvfio_device_region(int device, uint32_t index, cvfio_region *LINUX_NONNULL region);

#endif
