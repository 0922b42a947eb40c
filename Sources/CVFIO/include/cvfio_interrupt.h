// Floor 0: a device's interrupts, by index and vector. Each call is one VFIO_DEVICE_SET_IRQS and changes the device at
// once. VFIOVectors calls it through VFIOKernel.swift with its monitor held, on any thread that connects, disconnects,
// brakes or ends a line; VFIODevice without a lock, where a device is opened. No interrupt lock is held, and no call
// waits for an interrupt.
#ifndef CVFIO_INTERRUPT_H
#define CVFIO_INTERRUPT_H

#include "linux_attributes.h"

/// The kinds of interrupt of a PCI function, and the kernel's two notices (V11).
typedef enum {
  CVFIO_INTX = 0,
  CVFIO_MSI = 1,
  CVFIO_MSIX = 2,
  /// The device reported an error.
  CVFIO_ERROR = 3,
  /// The host wants the device back.
  CVFIO_REQUEST = 4,
} cvfio_index;

/// How many vectors there are; 0: the function has none of that kind. -errno.
int cvfio_interrupt_count(int device, cvfio_index index);

/// Gives vectors from `start` on an eventfd each; -1 takes one away. The first call of an index enables it (V23, V24).
int cvfio_interrupt_arm(int device, cvfio_index index, uint32_t start, uint32_t count,
                        const int32_t *LINUX_NONNULL events);

/// Enables an index with `count` vectors, all of them holes, which cvfio_interrupt_arm() fills (V24).
int cvfio_interrupt_enable(int device, cvfio_index index, uint32_t count);

/// Disables the whole index. -EINVAL when it is not enabled.
int cvfio_interrupt_disable(int device, cvfio_index index);

/// Adds one to the eventfd of an armed vector, as the device's interrupt would (V27). -EINVAL when it is not armed.
int cvfio_interrupt_trigger(int device, cvfio_index index, uint32_t vector);

/// Masks INTx, or unmasks it (V17). -ENOTTY for messages.
int cvfio_interrupt_mask(int device, bool is_masked);

/// Lets every write of 8 bytes to the eventfd unmask INTx, which must be armed (V16).
int cvfio_interrupt_unmask_by(int device, int event);

#endif
