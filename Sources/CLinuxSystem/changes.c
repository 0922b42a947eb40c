// Floor 0: the waiting half of a monitor (linux_changes.h). Any thread; it waits with the monitor's mutex free, and
// wakes with the mutex held.
#define _GNU_SOURCE
#include "linux_changes.h"

#include <limits.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

uint32_t linux_changes_seen(const uint32_t *changes) { return __atomic_load_n(changes, __ATOMIC_RELAXED); }

void linux_changes_wait(const uint32_t *changes, uint32_t seen) {
  syscall(SYS_futex, changes, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

void linux_changes_publish(uint32_t *changes) {
  __atomic_fetch_add(changes, 1, __ATOMIC_RELAXED);
  syscall(SYS_futex, changes, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}
