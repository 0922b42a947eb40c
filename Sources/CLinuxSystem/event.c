// Floor 0: eventfd(2). The deferred queue, the observers, dispatchers, mailboxes, software lines and the daemon's
// streams signal and drain one each. Any thread; signalling also with the interrupt lock held, so nothing here waits or
// takes a lock.
#include "linux_event.h"

#include <sys/eventfd.h>
#include <unistd.h>

int linux_event_create(void) {
  int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return fd >= 0 ? fd : -errno;
}

int linux_event_signal(int fd, uint64_t amount) {
  return write(fd, &amount, sizeof amount) == (ssize_t)sizeof amount ? 0 : -errno;
}

int linux_event_drain(int fd) {
  uint64_t value;
  return read(fd, &value, sizeof value) == (ssize_t)sizeof value ? 0 : -errno;
}
