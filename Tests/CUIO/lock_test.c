// The interrupt lock: exclusion, its errors, its owner, its counters.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <sys/syscall.h>
#include <unistd.h>

#define WAITERS 0x80000000u

static uint32_t word(const cuio_lock *lock) { return __atomic_load_n(&lock->word, __ATOMIC_RELAXED); }
static uint32_t kernel_id(void) { return (uint32_t)syscall(SYS_gettid); }

typedef struct {
  cuio_lock lock;
  // Not atomic on purpose: only the lock keeps it right.
  uint64_t plain;
  uint32_t go, done;
  int result;
} shared;

enum { THREADS = 4, ROUNDS = 20000 };

static void *count_up(void *context) {
  shared *s = context;
  for (int i = 0; i < ROUNDS; i++) {
    if (cuio_lock_acquire(&s->lock) != 0) return NULL;
    s->plain += 1;
    if (cuio_lock_release(&s->lock) != 0) return NULL;
  }
  return NULL;
}

TEST(lock_keeps_a_plain_counter_right) {
  shared s = {0};
  pthread_t threads[THREADS];
  for (int i = 0; i < THREADS; i++) CHECK_EQUAL(linux_thread_create(&threads[i], 0, count_up, &s), 0);
  for (int i = 0; i < THREADS; i++) CHECK_EQUAL(linux_thread_join(threads[i]), 0);
  CHECK_EQUAL(s.plain, THREADS * ROUNDS);
  CHECK_EQUAL(word(&s.lock), 0);
}

TEST(lock_word_is_the_owners_kernel_id) {
  cuio_lock lock = {0};
  CHECK(!cuio_lock_is_owned(&lock));
  CHECK_EQUAL(cuio_lock_acquire(&lock), 0);
  CHECK_EQUAL(word(&lock), kernel_id());
  CHECK(cuio_lock_is_owned(&lock));
  CHECK_EQUAL(cuio_lock_release(&lock), 0);
  CHECK_EQUAL(word(&lock), 0);
  CHECK(!cuio_lock_is_owned(&lock));
  CHECK_EQUAL(lock.contentions, 0);
  CHECK_EQUAL(lock.longest_wait, 0);
}

TEST(lock_refuses_recursion_however_it_is_asked) {
  cuio_lock lock = {0};
  CHECK_EQUAL(cuio_lock_acquire(&lock), 0);
  CHECK_EQUAL(cuio_lock_acquire(&lock), -EDEADLK);
  CHECK_EQUAL(cuio_lock_acquire_for(&lock, 0), -EDEADLK);
  CHECK_EQUAL(cuio_lock_acquire_for(&lock, 1000000), -EDEADLK);
  CHECK(cuio_lock_is_owned(&lock));
  CHECK_EQUAL(cuio_lock_release(&lock), 0);
  CHECK_EQUAL(word(&lock), 0);
}

TEST(lock_release_of_a_free_lock_is_refused) {
  cuio_lock lock = {0};
  CHECK_EQUAL(cuio_lock_release(&lock), -EPERM);
}

static void *release_anothers(void *context) {
  shared *s = context;
  CHECK(!cuio_lock_is_owned(&s->lock));
  s->result = cuio_lock_release(&s->lock);
  return NULL;
}

TEST(lock_release_by_another_thread_is_refused) {
  shared s = {.result = 1};
  pthread_t thread;
  CHECK_EQUAL(cuio_lock_acquire(&s.lock), 0);
  CHECK_EQUAL(linux_thread_create(&thread, 0, release_anothers, &s), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(s.result, -EPERM);
  CHECK(cuio_lock_is_owned(&s.lock));
  CHECK_EQUAL(cuio_lock_release(&s.lock), 0);
}

static void *hold_until_told(void *context) {
  shared *s = context;
  CHECK_EQUAL(cuio_lock_acquire(&s->lock), 0);
  cuio_flag_raise(&s->done);
  CHECK_SOON(cuio_flag_is_up(&s->go));
  CHECK_EQUAL(cuio_lock_release(&s->lock), 0);
  return NULL;
}

TEST(lock_timed_acquire_gives_up_after_its_time) {
  shared s = {0};
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, hold_until_told, &s), 0);
  CHECK_SOON(cuio_flag_is_up(&s.done));
  CHECK_EQUAL(cuio_lock_acquire_for(&s.lock, 0), -ETIMEDOUT);
  uint64_t start = linux_nanoseconds();
  CHECK_EQUAL(cuio_lock_acquire_for(&s.lock, 3000000), -ETIMEDOUT);
  CHECK(linux_nanoseconds() - start >= 3000000);
  CHECK(!cuio_lock_is_owned(&s.lock));
  CHECK_EQUAL(s.lock.contentions, 0);
  cuio_flag_raise(&s.go);
  // Longer than the test may take: it is the release that ends the wait.
  CHECK_EQUAL(cuio_lock_acquire_for(&s.lock, 60000000000), 0);
  CHECK(cuio_lock_is_owned(&s.lock));
  CHECK_EQUAL(cuio_lock_release(&s.lock), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(cuio_lock_acquire_for(&s.lock, 0), 0);
  CHECK_EQUAL(cuio_lock_release(&s.lock), 0);
}

static void *acquire_and_release(void *context) {
  shared *s = context;
  s->result = cuio_lock_acquire(&s->lock);
  if (s->result == 0) s->result = cuio_lock_release(&s->lock);
  return NULL;
}

TEST(lock_counts_waits_and_the_longest_of_them) {
  shared s = {.result = 1};
  pthread_t thread;
  uint64_t start = linux_ticks();
  CHECK_EQUAL(cuio_lock_acquire(&s.lock), 0);
  CHECK_EQUAL(linux_thread_create(&thread, 0, acquire_and_release, &s), 0);
  CHECK_SOON(word(&s.lock) & WAITERS);
  CHECK(cuio_lock_is_owned(&s.lock));
  CHECK_EQUAL(cuio_lock_release(&s.lock), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(s.result, 0);
  CHECK_EQUAL(cuio_counter_read(&s.lock.contentions), 1);
  CHECK(cuio_counter_read(&s.lock.longest_wait) > 0);
  CHECK(cuio_counter_read(&s.lock.longest_wait) <= linux_ticks() - start);
}

static cuio_lock inherited;

static void use_after_fork(void) {
  CHECK_EQUAL(cuio_thread_id(), kernel_id());
  CHECK_EQUAL(cuio_lock_acquire(&inherited), 0);
  CHECK_EQUAL(word(&inherited), kernel_id());
  CHECK_EQUAL(cuio_lock_release(&inherited), 0);
}

TEST(lock_after_fork_the_child_has_its_own_id) {
  uint32_t parent = cuio_thread_id();
  CHECK_EQUAL(parent, kernel_id());
  CHECK(check_in_child(use_after_fork));
  CHECK_EQUAL(cuio_thread_id(), parent);
}

static void *die_with_the_lock(void *context) {
  shared *s = context;
  s->result = cuio_lock_acquire(&s->lock);
  return NULL;
}

TEST(lock_whose_owner_died_is_an_error_not_a_hang) {
  shared s = {.result = 1};
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, die_with_the_lock, &s), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(s.result, 0);
  // The kernel forgets a thread a little after it has been joined; a waiter of that moment would get the lock.
  CHECK_SOON(syscall(SYS_tgkill, getpid(), word(&s.lock), 0) != 0);
  CHECK_EQUAL(cuio_lock_acquire(&s.lock), -EOWNERDEAD);
  CHECK_EQUAL(cuio_lock_acquire_for(&s.lock, 1000000), -EOWNERDEAD);
}

typedef struct {
  cuio_lock first, second;
  uint32_t holds;
  int result;
} pair;

static void *first_then_second(void *context) {
  pair *p = context;
  CHECK_EQUAL(cuio_lock_acquire(&p->first), 0);
  cuio_flag_raise(&p->holds);
  p->result = cuio_lock_acquire(&p->second);
  if (p->result == 0) CHECK_EQUAL(cuio_lock_release(&p->second), 0);
  CHECK_EQUAL(cuio_lock_release(&p->first), 0);
  return NULL;
}

TEST(lock_cycle_of_two_locks_is_seen_by_the_kernel) {
  pair p = {.result = 1};
  pthread_t thread;
  CHECK_EQUAL(cuio_lock_acquire(&p.second), 0);
  CHECK_EQUAL(linux_thread_create(&thread, 0, first_then_second, &p), 0);
  CHECK_SOON(cuio_flag_is_up(&p.holds));
  // The kernel may set the bit a moment before the waiter is in its graph, hence the second try.
  CHECK_SOON(word(&p.second) & WAITERS);
  int result;
  uint64_t deadline = check_deadline();
  do result = cuio_lock_acquire_for(&p.first, 20000000);
  while (result == -ETIMEDOUT && check_before(deadline));
  CHECK_EQUAL(result, -EDEADLK);
  CHECK_EQUAL(cuio_lock_release(&p.second), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(p.result, 0);
}
