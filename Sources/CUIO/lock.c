// Floor 0: the interrupt lock's slow paths, where the kernel queues the waiters and lends their priority to the owner;
// and the list of all locks, which the ends of threads and forks close. The inline halves in cuio_lock.h call it on any
// thread when the compare-and-swap fails, InterruptLock.swift for repairs and new locks. No second lock is taken.
#define CUIO_LOCK_DEFINE
#include "cuio_lock.h"

#include "linux_clock.h"
#include "linux_process.h"
#include "cuio_counter.h"
#include "cuio_probe.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#ifndef FUTEX_LOCK_PI2
#define FUTEX_LOCK_PI2 13
#endif

// In the contended case the kernel hands the word over, which the sanitizer cannot see.
#if defined(CUIO_SANITIZE_THREAD)
void __tsan_acquire(void *address);
void __tsan_release(void *address);
#define SAW_ACQUIRE(lock) __tsan_acquire(lock)
#define SAW_RELEASE(lock) __tsan_release(lock)
#else
#define SAW_ACQUIRE(lock) (void)(lock)
#define SAW_RELEASE(lock) (void)(lock)
#endif

static int futex(cuio_lock *lock, int operation, const struct timespec *deadline) {
  return syscall(SYS_futex, &lock->word, operation | FUTEX_PRIVATE_FLAG, 0, deadline, NULL, 0) == 0 ? 0 : -errno;
}

static bool compare_and_swap(cuio_lock *lock, uint32_t seen, uint32_t new) {
  return __atomic_compare_exchange_n(&lock->word, &seen, new, false, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static struct timespec after(clockid_t clock, int64_t timeout_ns) {
  struct timespec t;
  clock_gettime(clock, &t);
  t.tv_sec += timeout_ns / 1000000000;
  t.tv_nsec += timeout_ns % 1000000000;
  if (t.tv_nsec >= 1000000000) {
    t.tv_nsec -= 1000000000;
    t.tv_sec += 1;
  }
  return t;
}

// FUTEX_LOCK_PI counts its deadline on CLOCK_REALTIME only; FUTEX_LOCK_PI2 (Linux 5.14) on CLOCK_MONOTONIC.
static int wait_until(cuio_lock *lock, int64_t timeout_ns) {
  if (timeout_ns < 0) return futex(lock, FUTEX_LOCK_PI, NULL);
  struct timespec deadline = after(CLOCK_MONOTONIC, timeout_ns);
  int result = futex(lock, FUTEX_LOCK_PI2, &deadline);
  if (result != -ENOSYS) return result;
  deadline = after(CLOCK_REALTIME, timeout_ns);
  return futex(lock, FUTEX_LOCK_PI, &deadline);
}

// Why no thread gets a lock with this word, however long it waits; or 0.
static int refusal(uint32_t seen) {
  switch (seen & CUIO_LOCK_TID_MASK) {
    case CUIO_LOCK_INCONSISTENT: return -EOWNERDEAD;
    case CUIO_LOCK_FOREIGN: return -ECHILD;
    default: return (seen & CUIO_LOCK_TID_MASK) == cuio_thread_id() ? -EDEADLK : 0;
  }
}

#if defined(LINUX_PAUSE_POINTS)
bool cuio_lock_pause_is_over(const void *lock, uint64_t thread) {
  uint32_t owner = __atomic_load_n(&((const cuio_lock *)lock)->word, __ATOMIC_RELAXED) & CUIO_LOCK_TID_MASK;
  return owner == 0 || owner == thread || owner == CUIO_LOCK_INCONSISTENT || owner == CUIO_LOCK_FOREIGN;
}
#endif

// Closes a lock of whose word the caller is the owner. A waiter that the kernel gives the lock to comes here as well,
// and the last of them closes it.
static void close_inconsistent(cuio_lock *lock) {
  __atomic_store_n(&lock->died, 1, __ATOMIC_RELEASE);
  for (;;) {
    uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    if (!(seen & FUTEX_WAITERS) && compare_and_swap(lock, seen, CUIO_LOCK_INCONSISTENT)) return;
    if (seen & FUTEX_WAITERS && futex(lock, FUTEX_UNLOCK_PI, NULL) == 0) break;
  }
  for (;;) {
    uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
    if (seen & FUTEX_WAITERS || refusal(seen) == -EOWNERDEAD) return;
    if (seen == 0 && compare_and_swap(lock, 0, CUIO_LOCK_INCONSISTENT)) return;
    // A caller came between the release and the mark: it is waited for as by any other.
    if (seen != 0 && wait_until(lock, -1) == 0) return close_inconsistent(lock);
  }
}

// A thread that ended without its destructors (a raw exit(2)) leaves its id in the word, which the kernel may give to a
// thread of another process. True: the lock is closed now. Not while the kernel has waiters, the first of which it makes
// the owner; the bit alone may also be what a caller left to whom the kernel answered ESRCH.
static bool close_after_owner(cuio_lock *lock, bool has_no_waiters) {
  uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED), owner = seen & CUIO_LOCK_TID_MASK;
  if (owner == 0 || refusal(seen) != 0 || (seen & FUTEX_WAITERS && !has_no_waiters)) return false;
  if (syscall(SYS_tgkill, getpid(), owner, 0) == 0 || errno != ESRCH) return false;
  if (!compare_and_swap(lock, seen, CUIO_LOCK_INCONSISTENT)) return false;
  __atomic_store_n(&lock->died, 1, __ATOMIC_RELEASE);
  return true;
}

// EINVAL: the owner has just ended without its destructors, and the waiter that comes after it has not written its id
// into the word yet. For as long as that may take, on a loaded machine, it is no error.
static bool is_between_owners(uint64_t *since) {
  if (*since == 0) *since = linux_nanoseconds();
  return linux_nanoseconds() - *since < 1000000000;
}

// EAGAIN: the owner is just exiting; EINTR: only old kernels; ESRCH: there is no such thread, or the lock was closed.
static int wait_once(cuio_lock *lock, int64_t timeout_ns, uint64_t *between_owners_since) {
  if (close_after_owner(lock, false)) return -EOWNERDEAD;
  int result = wait_until(lock, timeout_ns);
  if (result == -EINVAL && is_between_owners(between_owners_since)) return -EAGAIN;
  if (result == -ESRCH && close_after_owner(lock, true)) return -EOWNERDEAD;
  if (result == -ESRCH) result = refusal(__atomic_load_n(&lock->word, __ATOMIC_RELAXED));
  return result == 0 && !cuio_lock_is_owned(lock) ? -EAGAIN : result;
}

int cuio_lock_acquire_slow(cuio_lock *lock, int64_t timeout_ns) {
  int result = refusal(__atomic_load_n(&lock->word, __ATOMIC_RELAXED));
  if (result != 0) return result;
  CUIO_PROBE2(lock_wait, lock, __atomic_load_n(&lock->word, __ATOMIC_RELAXED) & CUIO_LOCK_TID_MASK);
  uint64_t start = linux_ticks(), between_owners_since = 0;
  do result = wait_once(lock, timeout_ns, &between_owners_since);
  while (result == -EAGAIN || result == -EINTR);
  CUIO_PROBE2(lock_waited, lock, result);
  if (result != 0) return result;
  // The kernel's bit says that it took the lock from a thread that had ended.
  if (__atomic_load_n(&lock->word, __ATOMIC_RELAXED) & FUTEX_OWNER_DIED || cuio_lock_is_inconsistent(lock)) {
    close_inconsistent(lock);
    return -EOWNERDEAD;
  }
  SAW_ACQUIRE(lock);
  uint64_t waited = linux_ticks() - start;
  cuio_counter_add(&lock->contentions, 1);
  cuio_counter_raise(&lock->longest_wait, waited);
  cuio_histogram *waits = cuio_lock_waits(lock);
  if (waits) cuio_histogram_add(waits, waited);
  return 0;
}

bool cuio_lock_keep_waits(cuio_lock *lock, cuio_histogram *waits) {
  cuio_histogram *none = NULL;
  if (!__atomic_compare_exchange_n(&((cuio_listed_lock *)lock)->waits, &none, waits, false, __ATOMIC_RELEASE,
                                   __ATOMIC_RELAXED))
    return false;
  __atomic_store_n(&lock->keeps_waits, 1, __ATOMIC_RELEASE);
  return true;
}

cuio_histogram *cuio_lock_waits(const cuio_lock *lock) {
  if (!__atomic_load_n(&lock->keeps_waits, __ATOMIC_ACQUIRE)) return NULL;
  return __atomic_load_n(&((const cuio_listed_lock *)lock)->waits, __ATOMIC_RELAXED);
}

int cuio_lock_release_slow(cuio_lock *lock) {
  if (!cuio_lock_is_owned(lock)) return -EPERM;
  SAW_RELEASE(lock);
  return futex(lock, FUTEX_UNLOCK_PI, NULL);
}

int cuio_lock_acquire_for(cuio_lock *lock, int64_t timeout_ns) {
  LINUX_PAUSE("lock for a time");
  uint32_t seen = 0;
  if (__atomic_compare_exchange_n(&lock->word, &seen, cuio_thread_id(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return 0;
  if (timeout_ns > 0) return cuio_lock_acquire_slow(lock, timeout_ns);
  int result = refusal(seen);
  return result != 0 ? result : -ETIMEDOUT;
}

// A caller that came while the lock was being closed leaves the kernel's bit of waiters in the word.
static bool take_inconsistent(cuio_lock *lock) {
  uint32_t seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
  return refusal(seen) == -EOWNERDEAD && compare_and_swap(lock, seen, cuio_thread_id());
}

int cuio_lock_acquire_any(cuio_lock *lock) {
  for (;;) {
    int result = cuio_lock_acquire(lock);
    if (result != -EOWNERDEAD) return result;
    if (take_inconsistent(lock)) return 0;
  }
}

void cuio_lock_release_as_found(cuio_lock *lock) {
  if (cuio_lock_is_inconsistent(lock)) close_inconsistent(lock);
  else cuio_lock_release(lock);
}

int cuio_lock_repair(cuio_lock *lock) {
  for (;;) {
    int result = cuio_lock_acquire(lock);
    if (result == 0) {
      cuio_lock_release(lock);
      return -EINVAL;
    }
    if (result != -EOWNERDEAD) return result;
    if (!take_inconsistent(lock)) continue;
    __atomic_store_n(&lock->died, 0, __ATOMIC_RELEASE);
    return 0;
  }
}

// MARK: Ends of threads, and forks

// Every lock, newest first. None ever leaves.
static cuio_listed_lock *all;

void cuio_lock_enlist(cuio_listed_lock *listed) {
  listed->next = __atomic_load_n(&all, __ATOMIC_RELAXED);
  while (!__atomic_compare_exchange_n(&all, &listed->next, listed, true, __ATOMIC_RELEASE, __ATOMIC_RELAXED)) continue;
}

void cuio_lock_reset(cuio_lock *lock) {
  __atomic_store_n(&lock->died, 0, __ATOMIC_RELAXED);
  cuio_counter_set(&lock->contentions, 0);
  cuio_counter_set(&lock->longest_wait, 0);
  cuio_histogram *waits = cuio_lock_waits(lock);
  if (waits) cuio_histogram_clear(waits);
  __atomic_store_n(&lock->word, 0, __ATOMIC_RELEASE);
}

// Of the calling thread, which ends, or which has just got the id of one that had ended.
void cuio_lock_close_owned(void) {
  for (cuio_listed_lock *one = __atomic_load_n(&all, __ATOMIC_ACQUIRE); one != NULL; one = one->next)
    if (cuio_lock_is_owned(&one->lock)) close_inconsistent(&one->lock);
}

static void enter_child(void) {
  for (cuio_listed_lock *one = __atomic_load_n(&all, __ATOMIC_ACQUIRE); one != NULL; one = one->next) {
    if (cuio_lock_is_held(&one->lock)) one->lock.died = 1;
    __atomic_store_n(&one->lock.word, CUIO_LOCK_FOREIGN, __ATOMIC_RELAXED);
  }
}

__attribute__((constructor)) static void watch_forks(void) { linux_process_on_fork(enter_child); }

void cuio_lock_adopt(cuio_lock *lock) {
  compare_and_swap(lock, CUIO_LOCK_FOREIGN, cuio_lock_is_inconsistent(lock) ? CUIO_LOCK_INCONSISTENT : 0);
}
