// Floor 0: reads of open files that others share, and the part of a line that a dispatch does not need: waiting,
// masking, and the COMMAND register of a PCI function with its bus-master bit. Serving threads read here, without the
// interrupt lock. Dispatchers, the deferred queue, the observers and the control thread wait; a register access only
// asks, also with that lock held. `line watch` reads STATUS. Connect and open call the rest without that lock, but
// Connection masks with it. None is taken.
#define _GNU_SOURCE
#include "cuio_line.h"

#include "cuio_edge_line.h"
#include "linux_event.h"

#include <endian.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>

// As read(2) of a file that does not block, whatever the open file's flags say at the moment.
static ssize_t read_at_once(cuio_line *line, void *bytes, size_t length) {
  switch (line->format) {
    case CUIO_COUNT_SHARED_TOTAL32:
    case CUIO_COUNT_SHARED_EVENTFD: {
      struct iovec part = {bytes, length};
#if defined(CUIO_LIBRARY_CALLS)
      ssize_t taken = preadv2(line->fd, &part, 1, -1, RWF_NOWAIT);
#else
      ssize_t taken = syscall(SYS_preadv2, (long)line->fd, &part, 1L, -1L, -1L, (long)RWF_NOWAIT);
#endif
      // ENOSYS: an emulator, or a filter of system calls, that knows no preadv2.
      if (LINUX_LIKELY(taken >= 0 || (errno != EOPNOTSUPP && errno != ENOSYS))) return taken;
      line->format = line->format == CUIO_COUNT_SHARED_TOTAL32 ? CUIO_COUNT_POLLED_TOTAL32 : CUIO_COUNT_POLLED_EVENTFD;
      return read_at_once(line, bytes, length);
    }
    case CUIO_COUNT_STREAM_TOTAL32: return recv(line->fd, bytes, length, MSG_DONTWAIT);
    // The packet's own length, also where it is longer than a count.
    case CUIO_COUNT_PACKET_TOTAL32: return recv(line->fd, bytes, length, MSG_DONTWAIT | MSG_TRUNC);
    default: break;
  }
  struct pollfd polled = {.fd = line->fd, .events = POLLIN};
  int count = poll(&polled, 1, 0);
  if (count > 0) return cuio_system_read(line->fd, bytes, length);
  if (count == 0) errno = EAGAIN;
  return -1;
}

// The kick is in the counter until the first read takes it, with whatever interrupts have come by then.
static int read_kicked(cuio_line *line, uint64_t *delta) {
  uint64_t added;
  ssize_t length = cuio_system_read(line->fd, &added, sizeof added);
  if (length != (ssize_t)sizeof added) return cuio_read_failure(length);
  line->format = CUIO_COUNT_EVENTFD;
  *delta = added - 1;
  cuio_probe_interrupt_read(line, *delta);
  return 0;
}

int cuio_line_kick(cuio_line *line) {
  if (line->format == CUIO_COUNT_EDGES || line->format == CUIO_COUNT_KICKED_EDGES) {
    line->format = CUIO_COUNT_KICKED_EDGES;
    return 0;
  }
  if (line->format == CUIO_COUNT_KICKED_EVENTFD) return 0;
  int result = linux_event_signal(line->fd, 1);
  if (result == 0) line->format = CUIO_COUNT_KICKED_EVENTFD;
  return result;
}

int cuio_line_read_shared(cuio_line *line, uint64_t *delta) {
  if (line->format == CUIO_COUNT_KICKED_EVENTFD) return read_kicked(line, delta);
  if (line->format == CUIO_COUNT_SHARED_EVENTFD || line->format == CUIO_COUNT_POLLED_EVENTFD) {
    // Room for more than a count, as what is no counter gives more.
    uint64_t added[2];
    ssize_t length = read_at_once(line, added, sizeof added);
    if (length != (ssize_t)sizeof *added) return cuio_read_failure(length);
    *delta = *added;
    cuio_probe_interrupt_read(line, *added);
    return 0;
  }
  if (line->format == CUIO_COUNT_EDGES || line->format == CUIO_COUNT_KICKED_EDGES)
    return cuio_edge_line_read(line, delta);
  uint32_t total;
  ssize_t length = read_at_once(line, &total, sizeof total);
  if (length != (ssize_t)sizeof total) return cuio_read_failure(length);
  return cuio_line_take_total(line, total, delta);
}

int cuio_pci_command_read(int config_fd, uint16_t *command) {
  uint16_t raw;
  ssize_t length = pread(config_fd, &raw, sizeof raw, CUIO_PCI_COMMAND);
  if (length != (ssize_t)sizeof raw) return length < 0 ? -errno : -EIO;
  *command = le16toh(raw);
  return 0;
}

int cuio_pci_is_asserted(int config_fd) {
  uint16_t raw;
  ssize_t length = pread(config_fd, &raw, sizeof raw, CUIO_PCI_STATUS);
  if (length != (ssize_t)sizeof raw) return length < 0 ? -errno : -EIO;
  uint16_t status = le16toh(raw);
  return status == 0xffff ? -ENODEV : (status & CUIO_PCI_STATUS_INTERRUPT) != 0;
}

int cuio_line_refresh_command(cuio_line *line) {
  if (line->rearm != CUIO_REARM_PCI_COMMAND) return 0;
  for (;;) {
    uint16_t remembered = __atomic_load_n(&line->command, __ATOMIC_SEQ_CST);
    uint16_t command = 0;
    int result = cuio_pci_command_read(line->rearm_fd, &command);
    if (result != 0) return result;
    // A function that no longer answers reads as all ones; writing that back would be nonsense.
    if (command == 0xffff) return -ENODEV;
    command &= (uint16_t)~CUIO_PCI_COMMAND_INTX_DISABLE;
    // Looked at again after a change: cuio_line_set_bus_master() may have been about to write what was read here.
    if (command == remembered) return 0;
    __atomic_compare_exchange_n(&line->command, &remembered, command, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  }
}

static bool is_master(uint16_t command) { return (command & CUIO_PCI_COMMAND_MASTER) != 0; }

// In the device. The lower byte alone: Interrupt-Disable is in the upper one and may have been set by an interrupt or
// cleared by a re-arm since it was read here. Only the upper byte must not be written alone (fact 42).
static int write_bus_master(int config_fd, bool on) {
  uint16_t command = 0;
  int result = cuio_pci_command_read(config_fd, &command);
  if (result != 0) return result;
  if (command == 0xffff) return -ENODEV;
  if (is_master(command) == on) return 0;
  uint8_t lower = (uint8_t)(command ^ CUIO_PCI_COMMAND_MASTER);
  ssize_t length = pwrite(config_fd, &lower, sizeof lower, CUIO_PCI_COMMAND);
  if (length == (ssize_t)sizeof lower) return 0;
  return length < 0 ? -errno : -EIO;
}

int cuio_line_set_bus_master(cuio_line *line, bool on) {
  // The remembered value first, so that every later re-arm carries the bit; one that is already under way sees the
  // change after its write and writes again. Once more where a look at the device that had not been written yet has
  // replaced it (cuio_line_refresh_command()).
  do {
    if (on) __atomic_fetch_or(&line->command, CUIO_PCI_COMMAND_MASTER, __ATOMIC_SEQ_CST);
    else __atomic_fetch_and(&line->command, (uint16_t)~CUIO_PCI_COMMAND_MASTER, __ATOMIC_SEQ_CST);
    int result = write_bus_master(line->rearm_fd, on);
    if (result != 0) return result;
  } while (is_master(__atomic_load_n(&line->command, __ATOMIC_SEQ_CST)) != on);
  return 0;
}

int cuio_line_mask(cuio_line *line) {
  LINUX_PAUSE("mask");
  switch (line->rearm) {
    case CUIO_REARM_IRQCONTROL: return cuio_irqcontrol(line->fd, 0);
    case CUIO_REARM_PCI_COMMAND: return cuio_line_write_command(line, CUIO_PCI_COMMAND_INTX_DISABLE);
    // It is masked since the interrupt that was not answered by a re-arm.
    case CUIO_REARM_EVENTFD:
    case CUIO_REARM_NONE: break;
    case CUIO_REARM_CALL: {
      const cuio_line_hooks *hooks = (const cuio_line_hooks *)line->hooks;
      return hooks->mask(hooks->context);
    }
  }
  return 0;
}

int cuio_line_call_unmask(uintptr_t hooks) {
  const cuio_line_hooks *calls = (const cuio_line_hooks *)hooks;
  return calls->unmask(calls->context);
}

#if defined(LINUX_PAUSE_POINTS)
static bool is_ready(const void *polled, uint64_t count) {
  return poll((struct pollfd *)polled, (nfds_t)count, 0) != 0;
}
#endif

int cuio_wait(int fd, int wake_fd, int timeout_ms, bool ignore_readable) {
  struct pollfd polled[2] = {{.fd = wake_fd, .events = POLLIN},
                             {.fd = fd, .events = ignore_readable ? 0 : POLLIN}};
  if (timeout_ms != 0) LINUX_PAUSE_UNTIL("sleep", is_ready, polled, 2);
  int count = poll(polled, 2, timeout_ms);
  if (count < 0) return -errno;
  int result = CUIO_WAIT_TIMEOUT;
  if (polled[0].revents != 0) result |= CUIO_WAIT_WOKEN;
  if (polled[1].revents & (POLLERR | POLLHUP | POLLNVAL)) result |= CUIO_WAIT_DEAD;
  if (!ignore_readable && (polled[1].revents & POLLIN)) result |= CUIO_WAIT_READABLE;
  return result;
}
