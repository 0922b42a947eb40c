// Floor 0: the interrupt lock, a priority-inheriting futex, not recursive, with an owner that can be asked for; and the
// one pair by which code enters and leaves it. Dispatch.swift, SynchronizedCall.swift, InterruptLock.swift,
// InterruptSyncC and the Windows interfaces call it. Any thread may acquire, unless it holds the same lock; nothing
// here allocates or logs.
//
// The word is the kernel's own PI-futex protocol: 0 when free, otherwise the owner's thread id and the
// kernel's waiters bit. Uncontended acquire and release are one compare-and-swap each; a waiter lends its
// priority to the owner.
//
// Two values that are no thread's id close a lock: a thread ended while it held it, or the process is a forked child
// and the lock its parent's. Every compare-and-swap fails on them, so the fast path does not look for them.
#ifndef CUIO_LOCK_H
#define CUIO_LOCK_H

#include "cuio_counter.h"
#include "cuio_histogram.h"
#include "cuio_thread_state.h"
#include "linux_pause.h"

#define CUIO_LOCK_TID_MASK 0x3fffffffu
/// A thread ended while it held the lock: what the lock guards may be half done.
#define CUIO_LOCK_INCONSISTENT 0x3ffffffdu
/// The lock belongs to the process that this one was forked from.
#define CUIO_LOCK_FOREIGN 0x3ffffffcu

typedef struct cuio_lock {
  uint32_t word;
  /// 1 from the end of a thread that held it until cuio_lock_repair().
  uint16_t died;
  /// 1 once cuio_lock_keep_waits() was called. Of a listed lock.
  uint16_t keeps_waits;
  /// Number of acquisitions that had to wait.
  uint64_t contentions;
  /// Longest wait, in ticks of linux_clock.h.
  uint64_t longest_wait;
} cuio_lock;

/// A lock in the list of those that the ends of threads and forks close.
typedef struct cuio_listed_lock {
  /// First, so that the lock's address is this one's.
  cuio_lock lock;
  /// Where waits are recorded, by the thread whose wait is over and who holds the lock; nil until cuio_lock_keep_waits().
  cuio_histogram *LINUX_NULLABLE waits;
  struct cuio_listed_lock *LINUX_NULLABLE next;
} cuio_listed_lock;

/// Puts a lock into the list, permanently.
void cuio_lock_enlist(cuio_listed_lock *LINUX_NONNULL listed);

/// Closes the listed locks that the calling thread owns: it ends, or has the id of a thread that ended.
void cuio_lock_close_owned(void);

/// Makes a lock that no thread is about to use a free one.
void cuio_lock_reset(cuio_lock *LINUX_NONNULL lock);

/// Has the waits of a listed lock recorded in `waits`, which has to last as long as the lock. False if there is a
/// histogram already.
bool cuio_lock_keep_waits(cuio_lock *LINUX_NONNULL lock, cuio_histogram *LINUX_NONNULL waits);

/// What cuio_lock_keep_waits() has been given, or nil. Of any lock; any thread.
cuio_histogram *LINUX_NULLABLE cuio_lock_waits(const cuio_lock *LINUX_NONNULL lock);

/// Waits in the kernel. `timeout_ns` < 0 waits without limit.
/// Returns 0, -EDEADLK (this thread owns it, or the kernel sees a cycle), -ETIMEDOUT, -EOWNERDEAD (a thread ended while
/// it held the lock, since when no thread gets it), -ECHILD (the lock is that of the process this one was forked from).
LINUX_HOT int cuio_lock_acquire_slow(cuio_lock *LINUX_NONNULL lock, int64_t timeout_ns);

/// Hands the lock to the waiter of highest priority. Returns 0 or -EPERM (not the owner).
LINUX_HOT int cuio_lock_release_slow(cuio_lock *LINUX_NONNULL lock);

/// Acquires within `timeout_ns` nanoseconds of CLOCK_MONOTONIC; 0 only tries. -ETIMEDOUT when it could not; the other
/// errors of cuio_lock_acquire_slow().
int cuio_lock_acquire_for(cuio_lock *LINUX_NONNULL lock, int64_t timeout_ns);

/// Whether the calling thread is the owner.
LINUX_HOT static inline bool cuio_lock_is_owned(const cuio_lock *LINUX_NONNULL lock) {
  return (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) & CUIO_LOCK_TID_MASK) == cuio_thread_id();
}

/// Whether any thread is the owner, or is about to be. A closed lock has none.
static inline bool cuio_lock_is_held(const cuio_lock *LINUX_NONNULL lock) {
  uint32_t owner = __atomic_load_n(&lock->word, __ATOMIC_ACQUIRE) & CUIO_LOCK_TID_MASK;
  return owner != 0 && owner != CUIO_LOCK_INCONSISTENT && owner != CUIO_LOCK_FOREIGN;
}

/// Whether a thread ended while it held the lock, and nothing has been repaired since.
static inline bool cuio_lock_is_inconsistent(const cuio_lock *LINUX_NONNULL lock) {
  return __atomic_load_n(&lock->died, __ATOMIC_ACQUIRE) != 0;
}

/// Acquires a lock whatever state it is in, for work on lists that no routine leaves half done.
/// Returns 0, or -EDEADLK when the calling thread owns it. Release it with cuio_lock_release_as_found().
int cuio_lock_acquire_any(cuio_lock *LINUX_NONNULL lock);
void cuio_lock_release_as_found(cuio_lock *LINUX_NONNULL lock);

/// Acquires an inconsistent lock for a routine that repairs what it guards: from the release on it is as any other.
/// Returns 0, -EINVAL (it is not inconsistent), -EDEADLK or -ECHILD.
int cuio_lock_repair(cuio_lock *LINUX_NONNULL lock);

/// Makes the lock of a process that has ended that of the calling child. It is inconsistent if a thread held it when
/// the child was forked.
void cuio_lock_adopt(cuio_lock *LINUX_NONNULL lock);

#if defined(LINUX_PAUSE_POINTS)
/// Whether a thread with this id would not wait for the lock.
bool cuio_lock_pause_is_over(const void *LINUX_NULLABLE lock, uint64_t thread);
#endif

// The thread sanitizer sees atomics only in C that it compiled, not in inline functions that the Swift
// importer emits: under CUIO_SANITIZE_THREAD the two calls are therefore out of line.
#if defined(CUIO_SANITIZE_THREAD)
LINUX_HOT int cuio_lock_acquire(cuio_lock *LINUX_NONNULL lock);
LINUX_HOT int cuio_lock_release(cuio_lock *LINUX_NONNULL lock);
#define CUIO_LOCK_INLINE LINUX_HOT
#else
#define CUIO_LOCK_INLINE LINUX_HOT static inline
#endif

#if !defined(CUIO_SANITIZE_THREAD) || defined(CUIO_LOCK_DEFINE)
/// Acquires. Returns 0, or the errors of cuio_lock_acquire_slow().
CUIO_LOCK_INLINE int cuio_lock_acquire(cuio_lock *LINUX_NONNULL lock) {
  LINUX_PAUSE_UNTIL("lock", cuio_lock_pause_is_over, lock, cuio_thread_id());
  uint32_t seen = 0;
  if (LINUX_LIKELY(__atomic_compare_exchange_n(
          &lock->word, &seen, cuio_thread_id(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED)))
    return 0;
  return cuio_lock_acquire_slow(lock, -1);
}

/// Releases. Returns 0, or -EPERM when the calling thread is not the owner.
CUIO_LOCK_INLINE int cuio_lock_release(cuio_lock *LINUX_NONNULL lock) {
  uint32_t seen = cuio_thread_id();
  if (LINUX_LIKELY(__atomic_compare_exchange_n(
          &lock->word, &seen, 0, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED)))
    return 0;
  return cuio_lock_release_slow(lock);
}
#endif

/// The level of a thread inside the interrupt lock (DIRQL).
#define CUIO_LEVEL_DEVICE 3

/// Enters: acquires, raises the thread to DIRQL and counts the call in `calls`, if there is one.
/// Returns the thread's level before, which is never negative and which cuio_lock_leave() restores; or the error of
/// cuio_lock_acquire(), and then nothing was done.
LINUX_HOT static inline int32_t cuio_lock_enter(cuio_lock *LINUX_NONNULL lock, uint64_t *LINUX_NULLABLE calls) {
  int result = cuio_lock_acquire(lock);
  if (!LINUX_LIKELY(result == 0)) return result;
  if (calls) cuio_counter_add(calls, 1);
  int32_t level = cuio_thread_set_level(CUIO_LEVEL_DEVICE);
  // Spares the caller, which looks for an error, a second comparison.
  if (level < 0) __builtin_unreachable();
  return level;
}

/// Enters as cuio_lock_enter() does, but waits at most `timeout_ns` nanoseconds: -ETIMEDOUT then.
static inline int32_t cuio_lock_enter_for(cuio_lock *LINUX_NONNULL lock, uint64_t *LINUX_NULLABLE calls,
                                          int64_t timeout_ns) {
  int result = cuio_lock_acquire_for(lock, timeout_ns);
  if (result != 0) return result;
  if (calls) cuio_counter_add(calls, 1);
  return cuio_thread_set_level(CUIO_LEVEL_DEVICE);
}

/// Leaves: restores the level, releases, and sends the wake-up that a routine put off.
/// After the release the object may be gone: only the thread's own memory is used.
LINUX_HOT static inline void cuio_lock_leave(cuio_lock *LINUX_NONNULL lock, int32_t level) {
  cuio_thread_set_level(level);
  cuio_lock_release(lock);
  cuio_thread_left_lock();
}

#endif
