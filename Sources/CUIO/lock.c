// Floor 0: the interrupt lock's slow paths, where the kernel queues the waiters and lends their priority to the owner.
// Any thread; the inline halves in cuio_lock.h call these when the compare-and-swap fails.
#define CUIO_LOCK_DEFINE
#include "cuio_lock.h"

#include "linux_clock.h"
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

int cuio_lock_acquire_slow(cuio_lock *lock, int64_t timeout_ns) {
  if (cuio_lock_is_owned(lock)) return -EDEADLK;
  CUIO_PROBE2(lock_wait, lock, __atomic_load_n(&lock->word, __ATOMIC_RELAXED) & CUIO_LOCK_TID_MASK);
  uint64_t start = linux_ticks();
  int result;
  // EAGAIN: the owner is just exiting; EINTR: only old kernels.
  do {
    result = wait_until(lock, timeout_ns);
  } while (result == -EAGAIN || result == -EINTR);
  CUIO_PROBE2(lock_waited, lock, result);
  if (result != 0) return result;
  SAW_ACQUIRE(lock);
  cuio_counter_add(&lock->contentions, 1);
  cuio_counter_raise(&lock->longest_wait, linux_ticks() - start);
  return 0;
}

int cuio_lock_release_slow(cuio_lock *lock) {
  if (!cuio_lock_is_owned(lock)) return -EPERM;
  SAW_RELEASE(lock);
  return futex(lock, FUTEX_UNLOCK_PI, NULL);
}

int cuio_lock_acquire_for(cuio_lock *lock, int64_t timeout_ns) {
  uint32_t seen = 0;
  if (__atomic_compare_exchange_n(&lock->word, &seen, cuio_thread_id(), false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
    return 0;
  if (timeout_ns > 0) return cuio_lock_acquire_slow(lock, timeout_ns);
  return cuio_lock_is_owned(lock) ? -EDEADLK : -ETIMEDOUT;
}
