// C interface, floor 5: PCI functions behind an IOMMU (docs/vfio.md, whose facts are V1 to V40). Programs open one,
// reach its registers, make a line for each of its vectors, and give it memory: on the caller's thread at PASSIVE
// level, without an interrupt lock. The thread `vfio notices` calls the program's report handler, without a lock; the
// release of the device's last handle waits for one that is running.
#ifndef INTERRUPTSYNC_VFIO_H
#define INTERRUPTSYNC_VFIO_H

#include "dma.h"
#include "object.h"

INTERRUPTSYNC_BEGIN

/// How a device interrupts.
enum {
  /// MSI-X where the device has it, else MSI, else INTx.
  INTERRUPTSYNC_VFIO_AUTOMATIC = 0,
  /// Messages, up to 2,048 vectors, each masked on its own.
  INTERRUPTSYNC_VFIO_MSIX = 1,
  /// Messages, up to 32 vectors.
  INTERRUPTSYNC_VFIO_MSI = 2,
  /// The level-triggered pin.
  INTERRUPTSYNC_VFIO_INTX = 3,
};

/// Called on a thread of the library's at PASSIVE level, with no lock held: INTERRUPTSYNC_REPORT_DEVICE_RETURNED or
/// INTERRUPTSYNC_REPORT_DEVICE_FAILED. The handler may release the device.
typedef void (*interruptsync_vfio_report_handler)(const interruptsync_report *report, void *context);

typedef struct interruptsync_vfio_options {
  size_t size;
  /// INTERRUPTSYNC_VFIO_…
  uint32_t interrupt;
  uint32_t reserved;
  /// Gets what no line reports, until the last reference to the device's handle is released: that waits for a report
  /// that is running, except inside the handler.
  interruptsync_vfio_report_handler report;
  void *report_context;
} interruptsync_vfio_options;

/// An open device.
typedef struct interruptsync_vfio_info {
  size_t size;
  /// INTERRUPTSYNC_VFIO_… as chosen; never AUTOMATIC.
  uint32_t interrupt;
  /// How many lines it has: vectors of messages, or one.
  uint32_t vector_count;
  /// Whether interruptsync_vfio_reset() works.
  bool can_reset;
  uint8_t pci_bus;
  uint8_t pci_device;
  uint8_t pci_function;
  uint32_t pci_domain;
  /// The identity that survives a reboot: "pci-0000:01:00.0".
  char stable_id[32];
} interruptsync_vfio_info;

/// Opens the PCI function that `id` names, whose driver is vfio-pci: "pci-0000:01:00.0", "0000:01:00.0" or "01:00.0".
/// This turns its bus mastering off (V9). The device closes with the last handle made from it, DMA buffers excepted; the
/// close may reset it and wait for that. When the host wants it back it goes back at once (V35): lines end, registers
/// answer -ENODEV. NULL options are the defaults.
/// Errors: -ENOENT (no such function, or its driver is another one), -EPERM (no IOMMU, or it does not remap interrupts,
/// V6), -EBUSY (another process has the IOMMU group, or a driver of the host has a member of it, V8), -EACCES (the
/// group's node, V39), -ENXIO (no such kind of interrupt), -EMFILE, -ENOMEM, -EINVAL (also: not an id of a PCI function).
int interruptsync_vfio_open(const char *id, const interruptsync_vfio_options *options, interruptsync_vfio **device);

/// Errors: -EINVAL.
int interruptsync_vfio_get_info(interruptsync_vfio *device, interruptsync_vfio_info *info);

/// Asks the device whether it is still there: 1, or 0 once it is gone or the host has it back.
int interruptsync_vfio_is_alive(interruptsync_vfio *device);

/// Opens BAR `number`: mapped, or with a system call an access where it cannot be mapped (V30).
/// Errors: -ENOENT (no such BAR), -ENODEV, -ENOMEM, -ECHILD (base.h), -EINVAL.
int interruptsync_vfio_region(interruptsync_vfio *device, uint32_t number, interruptsync_region **region);

/// Opens the configuration space, a region of INTERRUPTSYNC_PORTS. The kernel answers for what could harm others (V19,
/// V32). Leave memory decoding on (V31).
/// Errors: -ENODEV, -ECHILD, -EINVAL.
int interruptsync_vfio_configuration(interruptsync_vfio *device, interruptsync_region **region);

/// Turns bus mastering on or off. Connecting a line of messages turns it on (V20).
/// Errors: -ENODEV, -EACCES, -ECHILD, -EINVAL.
int interruptsync_vfio_set_bus_master(interruptsync_vfio *device, bool on);

/// Resets the function. Registers answer -ENODEV meanwhile and work again afterwards; bus mastering is off until it is
/// set. Lines stay connected.
/// Errors: -EOPNOTSUPP (no reset of its own), -ENODEV, -ECHILD, -EINVAL.
int interruptsync_vfio_reset(interruptsync_vfio *device);

/// Prepares the line of a vector, 0 to vector_count - 1. The device does not interrupt by it until an object connects.
/// Errors: -ENXIO (no such vector), -ENODEV, -EMFILE, -ENOMEM, -ECHILD, -EINVAL.
int interruptsync_vfio_line(interruptsync_vfio *device, uint32_t vector, interruptsync_line **line);

/// Has the kernel raise a connected line once, as if the device had: shows that everything between the kernel and the
/// routines works (V27). The interrupt is counted.
/// Errors: -EOPNOTSUPP (not a line of a VFIO device), -ENXIO (no object is connected), -ENODEV, -ECHILD, -EINVAL.
int interruptsync_vfio_self_test(interruptsync_line *line);

/// Makes memory that the device reaches, page by page; other devices of its IOMMU group that this process has open
/// reach it, too. It is locked, and counts against the limit of locked memory (V34). It ends with its last reference,
/// and is valid until then also when the device is gone. `alignment` is what the device's address is a multiple of, a
/// power of two or 0; a page at least. Turn bus mastering on before the device uses it.
/// Errors: -ENOMEM (memory, or the limit of locked memory), -ENOSPC (the IOMMU's addresses or mappings), -ENODEV,
/// -ECHILD, -EINVAL (also: a length of 0, an alignment that is no power of two, no such direction).
int interruptsync_vfio_allocate(interruptsync_vfio *device, uint64_t length, uint64_t alignment, uint32_t direction,
                                interruptsync_dma **buffer);

INTERRUPTSYNC_END

#endif
