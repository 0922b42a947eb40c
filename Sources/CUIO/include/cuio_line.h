// Floor 0: one interrupt line as the dispatcher sees it: where its count is read and how it is unmasked and masked. The
// serving thread reads without the interrupt lock and re-arms in Dispatch.swift with it. UIOLine, VFIOLine and GPIOLine
// prepare lines on the thread that opens or connects them, without that lock. Connect, disconnect and storms mask with
// it held. Nothing here takes a lock.
#ifndef CUIO_LINE_H
#define CUIO_LINE_H

#include "cuio_probe.h"
#include "cuio_system.h"
#include "linux_pause.h"

#include <endian.h>
#include <unistd.h>

/// What a read of the descriptor yields.
typedef enum {
  /// 4 bytes, native order: the running total that wraps through INT_MAX and through -1 (fact 8).
  CUIO_COUNT_TOTAL32 = 0,
  /// 8 bytes: what was added since the last read, as eventfd(2) gives it.
  CUIO_COUNT_EVENTFD = 1,
  // Of open files that others have too. Whether such a file blocks is theirs to change, so each read says itself that
  // it must not wait. The first two ask the kernel not to (RWF_NOWAIT), and fall back to the next two.
  CUIO_COUNT_SHARED_TOTAL32 = 2,
  CUIO_COUNT_SHARED_EVENTFD = 3,
  /// poll(2) first: for files and kernels without RWF_NOWAIT.
  CUIO_COUNT_POLLED_TOTAL32 = 4,
  CUIO_COUNT_POLLED_EVENTFD = 5,
  /// Sockets: a stream of totals, and packets of one total each.
  CUIO_COUNT_STREAM_TOTAL32 = 6,
  CUIO_COUNT_PACKET_TOTAL32 = 7,
  /// An eventfd as CUIO_COUNT_EVENTFD, with a kick in it: one that no interrupt has added (cuio_line_kick()).
  CUIO_COUNT_KICKED_EVENTFD = 8,
  /// Records of 48 bytes, each an edge: GPIO lines, whose memory is a cuio_edge_line; and such a line with a kick.
  CUIO_COUNT_EDGES = 9,
  CUIO_COUNT_KICKED_EDGES = 10,
} cuio_count_format;

/// How the line is unmasked after an interrupt. Two of the values are the lengths of what is written, so that a re-arm
/// tells them apart without a comparison.
typedef enum {
  /// Nothing to do: edge or message-signalled lines, eventfd, pipe.
  CUIO_REARM_NONE = 0,
  /// Clear Interrupt-Disable in PCI COMMAND (facts 41, 42).
  CUIO_REARM_PCI_COMMAND = 2,
  /// Write 4 bytes of 1 to the UIO descriptor (irqcontrol, facts 16 to 18).
  CUIO_REARM_IRQCONTROL = 4,
  /// Write 8 bytes of 1 to the eventfd that unmasks the line: INTx of VFIO (V16).
  CUIO_REARM_EVENTFD = 8,
  /// Call the program's own function.
  CUIO_REARM_CALL = 16,
} cuio_rearm_kind;

typedef struct cuio_line {
  /// Counts come from here. Must be O_NONBLOCK and shared with no other process, unless the format is one of shared files.
  int32_t fd;
  /// What a re-arm writes to: the UIO descriptor, PCI configuration space or an eventfd. -1 where it writes nothing.
  int32_t rearm_fd;
  cuio_count_format format;
  cuio_rearm_kind rearm;
  /// The total of the last successful read; differences are taken modulo 2^32 (fact 8).
  uint32_t total;
  /// COMMAND without Interrupt-Disable, as last read from the device.
  uint16_t command;
  /// For CUIO_REARM_CALL the address of a cuio_line_hooks, which must live as long as the line; otherwise 0. A re-arm
  /// that passed the line on would keep the compiler from having a line's fields in registers.
  uintptr_t hooks;
} cuio_line;

/// Functions of the program's that mask and unmask a line. Both return 0 or -errno, and must not wait: the interrupt
/// lock is held.
typedef struct cuio_line_hooks {
  int32_t (*LINUX_NONNULL unmask)(void *LINUX_NULLABLE context);
  int32_t (*LINUX_NONNULL mask)(void *LINUX_NULLABLE context);
  void *LINUX_NULLABLE context;
} cuio_line_hooks;

/// The total of the last successful read; any thread may ask.
LINUX_HOT static inline uint32_t cuio_line_total(const cuio_line *LINUX_NONNULL line) {
  return __atomic_load_n(&line->total, __ATOMIC_RELAXED);
}

/// Sets the total from which the next difference is taken. While no thread reads the line.
LINUX_HOT static inline void cuio_line_set_total(cuio_line *LINUX_NONNULL line, uint32_t total) {
  __atomic_store_n(&line->total, total, __ATOMIC_RELAXED);
}

#define CUIO_PCI_COMMAND 4
#define CUIO_PCI_STATUS 6
#define CUIO_PCI_STATUS_INTERRUPT 0x0008u
#define CUIO_PCI_COMMAND_MASTER 0x0004u
#define CUIO_PCI_COMMAND_INTX_DISABLE 0x0400u

// A count whose length is not the one asked for is no count; end of file means a pipe whose writer has closed it.
LINUX_HOT static inline int cuio_read_failure(ssize_t length) {
  if (length < 0) return -errno;
  return length == 0 ? -EPIPE : -EBADMSG;
}

/// cuio_line_read() for a descriptor whose open file others share. Never waits.
LINUX_HOT int cuio_line_read_shared(cuio_line *LINUX_NONNULL line, uint64_t *LINUX_NONNULL delta);

// A total, as it was read.
LINUX_HOT static inline int cuio_line_take_total(cuio_line *LINUX_NONNULL line, uint32_t total,
                                                 uint64_t *LINUX_NONNULL delta) {
  *delta = total - line->total;
  __atomic_store_n(&line->total, total, __ATOMIC_RELAXED);
  cuio_probe_interrupt_read(line, *delta);
  return 0;
}

/// Reads the count. `*delta` is the number of interrupts since the last read.
/// Returns 0, -EAGAIN (none), -EINTR, -EIO (device gone or without interrupt, fact 13), -EPIPE (writer closed),
/// -EBADMSG (length other than the format's) or another -errno of read(2).
__attribute__((always_inline)) LINUX_HOT static inline int cuio_line_read(cuio_line *LINUX_NONNULL line,
                                                                         uint64_t *LINUX_NONNULL delta) {
  LINUX_PAUSE("read");
  if (line->format == CUIO_COUNT_TOTAL32) {
    uint32_t total;
    ssize_t length = cuio_system_read(line->fd, &total, sizeof total);
    if (length != (ssize_t)sizeof total) return cuio_read_failure(length);
    return cuio_line_take_total(line, total, delta);
  }
  if (!LINUX_LIKELY(line->format == CUIO_COUNT_EVENTFD)) return cuio_line_read_shared(line, delta);
  uint64_t added;
  ssize_t length = cuio_system_read(line->fd, &added, sizeof added);
  if (length != (ssize_t)sizeof added) return cuio_read_failure(length);
  *delta = added;
  cuio_probe_interrupt_read(line, added);
  return 0;
}

/// Lets one read find a count of 0 where there is none, so that the routines look at the device although it has not
/// interrupted. For a line with CUIO_COUNT_EVENTFD or CUIO_COUNT_EDGES, by the thread that reads it or before there is
/// one. -errno.
int cuio_line_kick(cuio_line *LINUX_NONNULL line);

/// Masks the line. Same errors. A line with CUIO_REARM_NONE cannot be masked and answers 0; so does one with
/// CUIO_REARM_EVENTFD, which masks itself at each interrupt.
int cuio_line_mask(cuio_line *LINUX_NONNULL line);

/// Writes a 32-bit value to the UIO descriptor. -EPROTO when the driver answers with another length (fact 18).
LINUX_HOT static inline int cuio_irqcontrol(int fd, int32_t value) {
  ssize_t length = cuio_system_write(fd, &value, sizeof value);
  if (length == (ssize_t)sizeof value) return 0;
  return length < 0 ? -errno : -EPROTO;
}

/// Writes a 1 of `length` bytes, 4 or 8, in native order. -EPROTO when the driver answers with another length (fact 18).
LINUX_HOT static inline int cuio_write_one(int fd, size_t length) {
  const uint64_t one = 1;
  const char *bytes = (const char *)&one;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  bytes += sizeof one - length;
#endif
  ssize_t written = cuio_system_write(fd, bytes, length);
  if (written == (ssize_t)length) return 0;
  return written < 0 ? -errno : -EPROTO;
}

/// Reads PCI COMMAND (16 bits at offset 4).
int cuio_pci_command_read(int config_fd, uint16_t *LINUX_NONNULL command);

/// Writes PCI COMMAND as one 16-bit access at offset 4: a byte write at 5 loses interrupts (fact 42).
LINUX_HOT static inline int cuio_pci_command_write(int config_fd, uint16_t command) {
  uint16_t raw = htole16(command);
  ssize_t length = cuio_system_pwrite(config_fd, &raw, sizeof raw, CUIO_PCI_COMMAND);
  if (length == (ssize_t)sizeof raw) return 0;
  return length < 0 ? -errno : -EIO;
}

// Writes the remembered COMMAND with `extra`, and again if it was changed by cuio_line_set_bus_master() meanwhile.
LINUX_HOT static inline int cuio_line_write_command(cuio_line *LINUX_NONNULL line, uint16_t extra) {
  for (;;) {
    uint16_t command = __atomic_load_n(&line->command, __ATOMIC_SEQ_CST);
    int result = cuio_pci_command_write(line->rearm_fd, command | extra);
    if (result != 0 || LINUX_LIKELY(__atomic_load_n(&line->command, __ATOMIC_SEQ_CST) == command)) return result;
  }
}

/// Calls the program's function.
LINUX_HOT int cuio_line_call_unmask(uintptr_t hooks);

/// Unmasks the line. Returns 0 or -errno: -ENOSYS (no irqcontrol), -EINVAL or -ENODEV (device gone, facts 16, 28),
/// -EPROTO (the driver returned a length other than 4, fact 18).
LINUX_HOT static inline int cuio_line_rearm(cuio_line *LINUX_NONNULL line) {
  LINUX_PAUSE("re-arm");
  switch (line->rearm) {
    case CUIO_REARM_PCI_COMMAND: return cuio_line_write_command(line, 0);
    case CUIO_REARM_NONE: return 0;
    case CUIO_REARM_CALL: return cuio_line_call_unmask(line->hooks);
    default: return cuio_write_one(line->rearm_fd, (size_t)line->rearm);
  }
}

/// Reads COMMAND from the device into `line->command`. Does nothing for other kinds of line.
int cuio_line_refresh_command(cuio_line *LINUX_NONNULL line);

/// Whether the function asks for service, masked or not (PCI STATUS, Interrupt Status): 1, 0, or -errno. Any thread.
int cuio_pci_is_asserted(int config_fd);

/// Turns bus mastering on or off in the device and in `line->command`, against a dispatcher that re-arms meanwhile.
int cuio_line_set_bus_master(cuio_line *LINUX_NONNULL line, bool on);

/// What ended a wait.
enum {
  CUIO_WAIT_TIMEOUT = 0,
  CUIO_WAIT_READABLE = 1,
  CUIO_WAIT_WOKEN = 2,
  /// ERR, HUP or NVAL. Kernels up to 6.12 at least set IN with it, so look at it first (fact 21).
  CUIO_WAIT_DEAD = 4,
};

/// Waits until `fd` is readable (unless `ignore_readable`), dead, or `wake_fd` is signalled; `timeout_ms` < 0 waits
/// without limit. Returns a set of CUIO_WAIT_… or -errno (-EINTR).
LINUX_HOT int cuio_wait(int fd, int wake_fd, int timeout_ms, bool ignore_readable);

#endif
