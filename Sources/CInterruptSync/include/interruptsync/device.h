// C interface, floor 5: UIO devices. Programs list them, open one, and read what the kernel says about it. On the
// caller's thread at PASSIVE level, before and after the interrupts, without a lock.
#ifndef INTERRUPTSYNC_DEVICE_H
#define INTERRUPTSYNC_DEVICE_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// A device as sysfs describes it. Texts are cut to the size of their fields.
typedef struct interruptsync_device_info {
  size_t size;
  /// N of /dev/uioN: order of allocation, not identity (fact 5).
  uint32_t number;
  /// Interrupts that the kernel had counted, modulo 2^32 (fact 8).
  uint32_t event;
  uint32_t map_count;
  uint32_t port_range_count;
  /// BARs that have a size; 0 if the device is not a PCI function.
  uint32_t bar_count;
  /// Whether it is a PCI function; if so, its identity.
  bool is_pci;
  uint8_t pci_bus;
  uint8_t pci_device;
  uint8_t pci_function;
  uint32_t pci_domain;
  uint16_t pci_vendor_id;
  uint16_t pci_device_id;
  /// The identity that survives a reboot: "pci-0000:00:03.0". Empty if it is longer than 127 bytes: use the number.
  char stable_id[128];
  /// The driver's name for it, and the driver's version.
  char name[64];
  char version[64];
  /// The kernel driver bound to it, or empty.
  char driver[64];
} interruptsync_device_info;

/// A memory region that the driver offers (fact 37).
typedef struct interruptsync_map_info {
  size_t size;
  /// N of mapN, the argument of interruptsync_region_map().
  uint32_t index;
  uint32_t reserved;
  uint64_t address;
  /// The length that the driver states, and the offset at which the registers begin (fact 35).
  uint64_t length;
  uint64_t offset;
  /// Bytes that you may use.
  uint64_t usable_length;
  char name[64];
} interruptsync_map_info;

/// A range of I/O ports that the driver names. It cannot be mapped (fact 38).
typedef struct interruptsync_port_range_info {
  size_t size;
  uint32_t index;
  uint32_t reserved;
  uint64_t start;
  uint64_t length;
  char name[64];
  /// "port_x86", "port_gpio" or "port_other".
  char type[16];
} interruptsync_port_range_info;

/// How a BAR or region is accessed.
enum {
  INTERRUPTSYNC_MEMORY = 0,
  INTERRUPTSYNC_PORTS = 1,
};

/// A base address register of a PCI function.
typedef struct interruptsync_bar_info {
  size_t size;
  /// 0 to 5, the argument of interruptsync_region_bar(). Not the number of a map (fact 40).
  uint32_t number;
  /// INTERRUPTSYNC_MEMORY or INTERRUPTSYNC_PORTS.
  uint32_t kind;
  uint64_t address;
  uint64_t length;
  bool is_prefetchable;
  uint8_t reserved[7];
} interruptsync_bar_info;

/// Called for one device. `info` is valid until it returns. A result other than 0 ends the list.
typedef int (*interruptsync_device_visitor)(const interruptsync_device_info *info, void *context);

/// Calls `visitor` for each UIO device, in the order of their numbers. Level: PASSIVE.
/// Returns the number of calls.
/// Errors: -EINVAL (no visitor).
int interruptsync_device_list(interruptsync_device_visitor visitor, void *context);

/// Opens the device that `id` names: "uio3", "/dev/uio3", "pci-0000:00:03.0", "00:03.0", "1234:11e8" (vendor and device),
/// "platform-fed00000.timer" or a UIO name. Open a device once per process: each close of a PCI device turns its bus
/// mastering off for every other user (fact 45). The device closes with the last handle made from it. Level: PASSIVE.
/// Errors: -ENOENT (no such device), -ENOTUNIQ (several devices have this name), -EACCES (fact 4), -ENODEV (removed
/// meanwhile), -EBUSY or -EIO (its driver refuses), -EMFILE, -EINVAL (no id, or not one).
int interruptsync_device_open(const char *id, interruptsync_device **device);

/// The device as sysfs described it at the time of the open.
/// Errors: -EINVAL (also: `info->size` is not a size of this struct).
int interruptsync_device_get_info(interruptsync_device *device, interruptsync_device_info *info);

/// The map, port range or BAR at `position`, counted from 0. Errors: -ENOENT (there are fewer), -EINVAL.
int interruptsync_device_get_map(interruptsync_device *device, uint32_t position, interruptsync_map_info *info);
int interruptsync_device_get_port_range(interruptsync_device *device, uint32_t position,
                                        interruptsync_port_range_info *info);
int interruptsync_device_get_bar(interruptsync_device *device, uint32_t position, interruptsync_bar_info *info);

/// Asks the kernel whether the device is still there: 1, or 0 once it was unbound or removed.
int interruptsync_device_is_alive(interruptsync_device *device);

/// Whether the device can interrupt (1) or not (0) (facts 13, 39).
int interruptsync_device_has_interrupt(interruptsync_device *device);

INTERRUPTSYNC_END

#endif
