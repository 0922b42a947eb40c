// Floor 0: a wake-up through eventfd(2). Any thread may signal one, also a dispatcher with the interrupt lock held;
// the thread that sleeps on it clears it.
#ifndef CUIO_EVENT_H
#define CUIO_EVENT_H

#include "cuio_attributes.h"

/// A new non-blocking, close-on-exec eventfd, or -errno.
int cuio_event_create(void);

/// Adds `amount`. Returns 0 or -errno; -EAGAIN when the counter is full, which is a wake-up all the same.
CUIO_HOT int cuio_event_signal(int fd, uint64_t amount);

/// Sets the count to 0. Returns 0 or -errno.
CUIO_HOT int cuio_event_drain(int fd);

#endif
