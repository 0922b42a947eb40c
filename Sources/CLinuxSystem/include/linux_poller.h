// Floor 0: waiting for many descriptors at once, with epoll(7), edge-triggered. A descriptor is reported when something
// new has come, and not again because it was not read: that halves the cost for many lines. GroupThread alone calls it.
// The thread that makes the group creates it, the group's thread waits, listens and removes, one that connects adds a
// line: without a lock. linux_poller_remove() also comes with the group's monitor held: on a thread that disconnects,
// or on the group's inside a report handler or a routine, there with that routine's interrupt lock. An event loop has
// linux_epoll.h instead.
#ifndef LINUX_POLLER_H
#define LINUX_POLLER_H

#include "linux_attributes.h"

/// A descriptor that is ready.
typedef struct linux_ready {
  /// As given to linux_poller_add().
  void *LINUX_NULLABLE context;
  /// ERR or HUP. Kernels up to 6.12 at least set IN with it (fact 21).
  bool is_dead;
} linux_ready;

/// The most that one wait reports.
enum { LINUX_POLLER_BATCH = 64 };

/// A new close-on-exec poller, or -errno.
int linux_poller_create(void);

/// Listens to `fd`; what it has already counts as new. Returns 0 or -errno: -EPERM (`fd` cannot be waited for),
/// -ENOSPC and -ENOMEM (too many).
int linux_poller_add(int poller, int fd, void *LINUX_NULLABLE context);

/// Listens for counts or only for the end of `fd`; what it has already counts as new. Returns 0 or -errno.
int linux_poller_listen(int poller, int fd, void *LINUX_NULLABLE context, bool for_counts);

/// Returns 0 or -errno.
int linux_poller_remove(int poller, int fd);

/// Waits for up to `timeout_ms` (0: not at all). `ready` has room for LINUX_POLLER_BATCH. Returns how many are ready, 0
/// also after a signal.
LINUX_HOT int linux_poller_wait(int poller, linux_ready *LINUX_NONNULL ready, int timeout_ms);

/// Asks again and again for `budget` ticks, and with `yield_after` not 0 lets others run every so many ticks.
LINUX_HOT int linux_poller_spin(int poller, linux_ready *LINUX_NONNULL ready, uint64_t budget, uint64_t yield_after);

#endif
