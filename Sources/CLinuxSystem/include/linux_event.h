// Floor 0: a wake-up through eventfd(2). Dispatchers, the deferred queue, the observers, mailboxes, software lines and
// the daemon's streams have one each. Any thread may signal one, also with the interrupt lock held; no lock is taken.
// The thread that sleeps on it clears it.
#ifndef LINUX_EVENT_H
#define LINUX_EVENT_H

#include "linux_attributes.h"

/// A new non-blocking, close-on-exec eventfd, or -errno.
int linux_event_create(void);

/// Adds `amount`. Returns 0 or -errno; -EAGAIN when the counter is full, which is a wake-up all the same.
LINUX_HOT int linux_event_signal(int fd, uint64_t amount);

/// Sets the count to 0. Returns 0 or -errno.
LINUX_HOT int linux_event_drain(int fd);

#endif
