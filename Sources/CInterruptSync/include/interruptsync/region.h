// C interface, floor 5: device registers. Every access checks width, alignment, bounds, and that the device is still
// there (fact 29). Programs open regions at PASSIVE level; their routines and other threads then access them at any
// level, with or without an interrupt lock. None is taken here: only the interrupt lock orders accesses of several
// threads.
#ifndef INTERRUPTSYNC_REGION_H
#define INTERRUPTSYNC_REGION_H

#include "device.h"

INTERRUPTSYNC_BEGIN

/// A region's kind and length.
typedef struct interruptsync_region_info {
  size_t size;
  /// INTERRUPTSYNC_MEMORY or INTERRUPTSYNC_PORTS.
  uint32_t kind;
  uint32_t reserved;
  /// Bytes that you may access, from offset 0.
  uint64_t length;
  char name[192];
} interruptsync_region_info;

/// Maps map `index` of the device, with its offset applied and its usable length enforced (facts 33 to 35). Level:
/// PASSIVE.
/// Errors: -ENOENT (no such map), -EOPNOTSUPP (the driver's description does not allow mapping it), -ENODEV (removed),
/// -EACCES, -ENOMEM, -EINVAL.
int interruptsync_region_map(interruptsync_device *device, uint32_t index, interruptsync_region **region);

/// Opens BAR `number` of a PCI function, whatever the order of the driver's maps (fact 40). Level: PASSIVE.
/// Errors: -ENOENT (no such BAR, or not a PCI function), -EACCES, -ENODEV, -EBUSY (a kernel driver holds it), -ENOMEM,
/// -EINVAL.
int interruptsync_region_bar(interruptsync_device *device, uint32_t number, interruptsync_region **region);

/// Errors: -EINVAL.
int interruptsync_region_get_info(interruptsync_region *region, interruptsync_region_info *info);

/// Reads 8, 16, 32 or 64 bits at `offset` bytes in one access, which completes before anything that follows. Only the
/// interrupt lock orders the accesses of several threads.
/// Errors: -ERANGE (leaves the region), -EINVAL (misaligned; 64 bits of a port; not a region), -ENODEV (the device was
/// removed), -EIO (the I/O BAR's file failed).
int interruptsync_read8(interruptsync_region *region, uint64_t offset, uint8_t *value);
int interruptsync_read16(interruptsync_region *region, uint64_t offset, uint16_t *value);
int interruptsync_read32(interruptsync_region *region, uint64_t offset, uint32_t *value);
int interruptsync_read64(interruptsync_region *region, uint64_t offset, uint64_t *value);

/// Writes 8, 16, 32 or 64 bits at `offset` bytes in one access, after everything that precedes it. The same errors.
int interruptsync_write8(interruptsync_region *region, uint64_t offset, uint8_t value);
int interruptsync_write16(interruptsync_region *region, uint64_t offset, uint16_t value);
int interruptsync_write32(interruptsync_region *region, uint64_t offset, uint32_t value);
int interruptsync_write64(interruptsync_region *region, uint64_t offset, uint64_t value);

INTERRUPTSYNC_END

#endif
