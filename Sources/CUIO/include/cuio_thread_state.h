// Floor 0: what CUIO remembers of each thread: its kernel id, its current interrupt level, and whether it serves lines.
// The lock's enter and leave, the deferred queue, the rings and the Windows interfaces call it on any thread, with or
// without the interrupt lock; none is taken. Each thread reads and writes only its own; a bell alone is shared: any
// thread rings it, one thread sleeps on it.
#ifndef CUIO_THREAD_STATE_H
#define CUIO_THREAD_STATE_H

#include "linux_attributes.h"

#include <stdbool.h>

/// What wakes a thread that looks for work itself before it sleeps.
typedef struct cuio_bell {
  /// Up: the thread sleeps, or is about to, until `fd` is signalled.
  uint32_t asleep;
  /// An eventfd that no other process has.
  int32_t fd;
} cuio_bell;

struct cuio_thread_state {
  uint32_t tid;
  int32_t level;
  // Wake-ups put off until the interrupt lock is free: an eventfd + 1 to be signalled, -1 for `bell`, or 0. A dispatch
  // has two: its deferred queue and its observers' thread. Looked at as one word.
  union {
    int32_t deferred_wakes[2];
    uint64_t any_wake;
  };
  struct cuio_bell *LINUX_NULLABLE bell;
  // Set on a thread that serves lines, which must never wait for the end of another one.
  bool serves;
};

// Initial-exec: inside libinterruptsync.so, too, an access is one instruction and not a call. The block is small
// enough for the reserve that dlopen(3) has.
extern __thread struct cuio_thread_state cuio_thread_state __attribute__((tls_model("initial-exec")));

/// Asks the kernel for the calling thread's id and remembers it.
LINUX_HOT uint32_t cuio_thread_id_slow(void);

/// The calling thread's kernel id, as a futex word holds it.
LINUX_HOT static inline uint32_t cuio_thread_id(void) {
  uint32_t tid = cuio_thread_state.tid;
  return LINUX_LIKELY(tid != 0) ? tid : cuio_thread_id_slow();
}

/// The calling thread's current interrupt level (0 passive, 2 dispatch, 3 device).
LINUX_HOT static inline int32_t cuio_thread_level(void) { return cuio_thread_state.level; }

/// Sets the calling thread's level and returns the one before.
LINUX_HOT static inline int32_t cuio_thread_set_level(int32_t level) {
  int32_t old = cuio_thread_state.level;
  cuio_thread_state.level = level;
  return old;
}

/// Says that the calling thread serves lines, for as long as it runs.
LINUX_HOT static inline void cuio_thread_begin_serving(void) { cuio_thread_state.serves = true; }

/// Whether the calling thread serves lines.
LINUX_HOT static inline bool cuio_thread_serves(void) { return cuio_thread_state.serves; }

/// Signals `fd` now, or, on a thread at device level, when it leaves the interrupt lock.
LINUX_HOT void cuio_thread_wake(int fd);

/// Says that the thread of `bell` is about to sleep. It looks for work once more before it does.
void cuio_bell_sleep(cuio_bell *LINUX_NONNULL bell);

/// Wakes the thread of `bell` if it sleeps: now, or, on a thread at device level, when it leaves the interrupt lock.
/// What the caller stored before is work that one of the two sees.
LINUX_HOT void cuio_bell_ring(cuio_bell *LINUX_NONNULL bell);

/// Does what cuio_thread_wake() and cuio_bell_ring() put off.
LINUX_HOT void cuio_thread_wake_slow(void);

/// To be called after every release of an interrupt lock, with the level restored. Inside a routine of another
/// object the wake-up waits for that one's lock as well.
LINUX_HOT static inline void cuio_thread_left_lock(void) {
  if (!LINUX_LIKELY(cuio_thread_state.any_wake == 0) && cuio_thread_state.level < 3) cuio_thread_wake_slow();
}

#endif
