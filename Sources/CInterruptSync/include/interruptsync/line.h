// C interface, floor 5: interrupt lines. A line is a UIO device's, a vector of a VFIO device (vfio.h), one of a GPIO
// chip (gpio.h), a software line, or one over a descriptor of yours. Programs make lines at PASSIVE level, without a
// lock, then make an object on one; any thread at any level may trigger a software line. A program's own mask and
// unmask may run with the interrupt lock held: their kind says so.
#ifndef INTERRUPTSYNC_LINE_H
#define INTERRUPTSYNC_LINE_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// How a UIO line is unmasked after an interrupt (N17a).
enum {
  /// Depends on the driver: PCI COMMAND for uio_pci_generic, irqcontrol for the genirq drivers; the library tries an
  /// unknown driver.
  INTERRUPTSYNC_REARM_AUTOMATIC = 0,
  /// Write 1 to the device node (facts 17, 48).
  INTERRUPTSYNC_REARM_IRQCONTROL = 1,
  /// Clear Interrupt-Disable in PCI COMMAND (facts 41, 42).
  INTERRUPTSYNC_REARM_PCI_COMMAND = 2,
  /// Nothing masks the line: edge-triggered and message-signalled interrupts.
  INTERRUPTSYNC_REARM_NONE = 3,
  /// INTx of a VFIO device, and lines of INTERRUPTSYNC_MASKING_EVENTFD: one write to an eventfd (V16). Only in a line's
  /// info.
  INTERRUPTSYNC_REARM_UNMASK = 4,
  /// Lines of INTERRUPTSYNC_MASKING_EACH_INTERRUPT: a call of the program's. Only in a line's info.
  INTERRUPTSYNC_REARM_CALL = 5,
};

/// What a read of the descriptor returns.
enum {
  /// 8 bytes, the interrupts since the last read: an eventfd(2) or a timerfd.
  INTERRUPTSYNC_EVENT_COUNTER = 0,
  /// Records of 4 bytes, each the running total modulo 2^32, as UIO gives it (fact 8): a pipe, a socket or a UIO node.
  /// On a stream nothing marks where a record ends: the writer must write totals and nothing else.
  INTERRUPTSYNC_TOTALS = 1,
};

enum {
  INTERRUPTSYNC_LINE_UIO = 1,
  INTERRUPTSYNC_LINE_SOFTWARE = 2,
  INTERRUPTSYNC_LINE_DESCRIPTOR = 3,
  INTERRUPTSYNC_LINE_VFIO = 4,
  INTERRUPTSYNC_LINE_GPIO = 5,
};

typedef struct interruptsync_line_info {
  size_t size;
  /// INTERRUPTSYNC_LINE_…
  uint32_t kind;
  /// INTERRUPTSYNC_REARM_… as chosen; NONE for lines without a device.
  uint32_t rearm;
  /// Interrupts that a UIO device had counted up to the last read, modulo 2^32; 0 for other lines.
  uint32_t total;
  uint32_t reserved;
  char name[192];
} interruptsync_line_info;

/// Prepares a device's line and masks it until an object connects to it. `rearm` is one of INTERRUPTSYNC_REARM_…
/// Level: PASSIVE.
/// Errors: -ENXIO (the device has no interrupt), -EOPNOTSUPP (it has no such way to re-arm), -EACCES (also of the PCI
/// function's `config` file, fact 4), -ENODEV (removed), -EIO (its driver failed), -EINVAL.
int interruptsync_line_uio(interruptsync_device *device, uint32_t rearm, interruptsync_line **line);

/// Makes a line that your code triggers, for tests and for machines without the hardware. `name` appears in messages;
/// NULL means "software".
/// Errors: -EMFILE or -ENOMEM (no eventfd), -EINVAL.
int interruptsync_line_software(const char *name, interruptsync_line **line);

/// Raises `count` interrupts on a software line, in one system call. Interrupts that are raised while nothing is
/// connected wait for the next connection.
/// Errors: -EOPNOTSUPP (not a software line), -EINVAL.
int interruptsync_line_trigger(interruptsync_line *line, uint64_t count);

/// Makes a line over a descriptor of yours: an eventfd (VFIO, KVM, another process), or a pipe or socket that carries
/// counts in the format of /dev/uioN. The library duplicates the descriptor, which stays yours, and leaves its open file
/// as it is. `total` is the total before the first record. `name` appears in messages; NULL means "descriptor".
/// Errors: -EINVAL (not an open descriptor, no such format, or of a kind that yields no such counts), -EMFILE,
/// and what the kernel answers when asked of which kind it is.
int interruptsync_line_descriptor(int fd, uint32_t format, uint32_t total, const char *name,
                                  interruptsync_line **line);

/// How a descriptor's line is masked and unmasked, which decides whether the storm brake and a disconnect keep the
/// device from interrupting.
enum {
  /// Nothing masks it: it goes on interrupting whatever happens.
  INTERRUPTSYNC_MASKING_NONE = 0,
  /// Each interrupt masks it, and a write of 1 to `unmask_fd` unmasks it, as for VFIO's INTx. Written at connect, and at
  /// the end of each dispatch. After a disconnect one more interrupt comes, waits for the next connect, and leaves the
  /// line masked.
  INTERRUPTSYNC_MASKING_EVENTFD = 1,
  /// Each interrupt masks it, and `unmask` unmasks it: at connect, and at the end of each dispatch. `mask` is called at
  /// disconnect. Both run with the interrupt lock held, as a routine does: they must not wait.
  INTERRUPTSYNC_MASKING_EACH_INTERRUPT = 2,
  /// Interrupts go on, as messages do, until `mask` is called: when the storm brake holds the line, and at the end of a
  /// disconnect. `unmask` is called at connect, where its failure is the error, and when the brake releases the line,
  /// where it is asked again after a failure. At PASSIVE level, without an interrupt lock.
  INTERRUPTSYNC_MASKING_ON_DEMAND = 3,
};

/// Masks or unmasks a line, which may be so already. Returns 0, or -errno.
typedef int32_t (*interruptsync_line_call)(void *context);

typedef struct interruptsync_masking {
  size_t size;
  /// INTERRUPTSYNC_MASKING_…
  uint32_t kind;
  /// The eventfd of INTERRUPTSYNC_MASKING_EVENTFD, which the library duplicates. No other kind looks at it.
  int32_t unmask_fd;
  /// For the last two kinds, both required. `context` must live as long as the line.
  interruptsync_line_call mask;
  interruptsync_line_call unmask;
  void *context;
} interruptsync_masking;

/// interruptsync_line_descriptor() for a line that can be masked: of a program that has VFIO's or other descriptors of
/// its own. The brake and disconnect work on it as on a device's line. NULL means INTERRUPTSYNC_MASKING_NONE.
/// Errors: also -EINVAL (no such kind, a call that is NULL, an `unmask_fd` that is no open eventfd).
int interruptsync_line_descriptor_masked(int fd, uint32_t format, uint32_t total, const char *name,
                                         const interruptsync_masking *masking, interruptsync_line **line);

/// Turns the PCI function's bus mastering on or off in a way that re-arming keeps (facts 42, 45). Call it after each
/// open. For a VFIO device's line it is interruptsync_vfio_set_bus_master().
/// Errors: -EOPNOTSUPP (not re-armed by PCI COMMAND, or not a device's line), -EACCES, -ENODEV, -EINVAL.
int interruptsync_line_set_bus_master(interruptsync_line *line, bool on);

/// Errors: -EINVAL.
int interruptsync_line_get_info(interruptsync_line *line, interruptsync_line_info *info);

INTERRUPTSYNC_END

#endif
