// Floor 0: the waiting half of a monitor (linux_changes.h). Monitor calls it, on any thread that must not hold an
// interrupt lock while it waits. A waiter reads the count with the monitor's mutex held, then sleeps with it free; the
// thread that wakes has released it, too. Change it together with Monitor.
#define _GNU_SOURCE
#include "linux_changes.h"

#include "linux_pause.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t linux_changes_seen(const uint32_t *changes) { return __atomic_load_n(changes, __ATOMIC_RELAXED); }

#if defined(LINUX_PAUSE_POINTS)
static bool has_changed(const void *changes, uint64_t seen) {
  return linux_changes_seen((const uint32_t *)changes) != seen;
}
#endif

void linux_changes_wait(const uint32_t *changes, uint32_t seen) {
  LINUX_PAUSE_UNTIL("wait", has_changed, changes, seen);
  syscall(SYS_futex, changes, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

void linux_changes_publish(uint32_t *changes) {
  __atomic_fetch_add(changes, 1, __ATOMIC_RELAXED);
  syscall(SYS_futex, changes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
