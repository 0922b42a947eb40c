// Floor 0, for the thread of a dispatcher group, which alone waits here; other threads only add lines. Waiting for
// many descriptors at once: epoll(7), edge-triggered. A descriptor is reported when something new has come, and not
// again because it was not read: that halves the cost for many lines.
#ifndef CUIO_POLLER_H
#define CUIO_POLLER_H

#include "cuio_attributes.h"

/// A descriptor that is ready.
typedef struct cuio_ready {
  /// As given to cuio_poller_add().
  void *CUIO_NULLABLE context;
  /// ERR or HUP. Kernels up to 6.12 at least set IN with it (fact 21).
  bool is_dead;
} cuio_ready;

/// The most that one wait reports.
enum { CUIO_POLLER_BATCH = 64 };

/// A new close-on-exec poller, or -errno.
int cuio_poller_create(void);

/// Listens to `fd`; what it has already counts as new. Returns 0 or -errno: -EPERM (`fd` cannot be waited for),
/// -ENOSPC and -ENOMEM (too many).
int cuio_poller_add(int poller, int fd, void *CUIO_NULLABLE context);

/// Listens for counts or only for the end of `fd`; what it has already counts as new. Returns 0 or -errno.
int cuio_poller_listen(int poller, int fd, void *CUIO_NULLABLE context, bool for_counts);

/// Returns 0 or -errno.
int cuio_poller_remove(int poller, int fd);

/// Waits for up to `timeout_ms` (0: not at all). `ready` has room for CUIO_POLLER_BATCH. Returns how many are ready, 0
/// also after a signal.
CUIO_HOT int cuio_poller_wait(int poller, cuio_ready *CUIO_NONNULL ready, int timeout_ms);

/// Asks again and again for `budget` ticks, and with `yield_after` not 0 lets others run every so many ticks.
CUIO_HOT int cuio_poller_spin(int poller, cuio_ready *CUIO_NONNULL ready, uint64_t budget, uint64_t yield_after);

#endif
