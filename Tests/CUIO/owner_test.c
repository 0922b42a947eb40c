// Locks whose owner has gone: a thread that ended with one, and a forked child that has its parent's.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

typedef struct {
  cuio_lock *lock;
  void (*end)(void);
  sem_t holds, go;
  pid_t thread;
  int result;
} scene;

/// Locks never leave the list, so they never go.
static cuio_lock *listed(void) {
  cuio_listed_lock *made = calloc(1, sizeof *made);
  cuio_lock_enlist(made);
  return &made->lock;
}

static scene prepared(void (*end)(void)) {
  scene s = {.lock = listed(), .end = end, .result = 1};
  sem_init(&s.holds, 0, 0);
  sem_init(&s.go, 0, 0);
  return s;
}

static void *hold_and_end(void *context) {
  scene *s = context;
  CHECK_EQUAL(cuio_lock_acquire(s->lock), 0);
  sem_post(&s->holds);
  while (sem_wait(&s->go) != 0) continue;
  s->end();
  return NULL;
}

static void *want(void *context) {
  scene *s = context;
  __atomic_store_n(&s->thread, gettid(), __ATOMIC_RELEASE);
  s->result = cuio_lock_acquire(s->lock);
  return NULL;
}

static bool has_waiter(const cuio_lock *lock) { return __atomic_load_n(&lock->word, __ATOMIC_RELAXED) >> 31; }

/// Whether the thread sleeps in the only call in which it can: the kernel has queued it.
static bool is_queued(const scene *s) {
  char path[64], state = 0;
  snprintf(path, sizeof path, "/proc/self/task/%d/stat", __atomic_load_n(&s->thread, __ATOMIC_ACQUIRE));
  FILE *file = fopen(path, "r");
  if (!file) return false;
  if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1) state = 0;
  fclose(file);
  return state == 'S' && has_waiter(s->lock);
}

/// A caller that comes in the moment between the release of a closed lock and its mark gets it (lock.c); it ends with the
/// lock then, which closes it again.
static bool was_told(const scene *s, bool may_be_late) {
  return s->result == -EOWNERDEAD || (may_be_late && s->result == 0);
}

/// Both see what happened: a caller that waits for the owner, and each one that comes later, until it is repaired.
static void owner_ends_late(void (*end)(void), bool may_join, bool may_be_late) {
  scene s = prepared(end), other = {.lock = s.lock, .result = 1};
  pthread_t owner, waiter, second;
  CHECK_EQUAL(linux_thread_create(&owner, 0, hold_and_end, &s), 0);
  while (sem_wait(&s.holds) != 0) continue;
  CHECK_EQUAL(linux_thread_create(&waiter, 0, want, &s), 0);
  CHECK_EQUAL(linux_thread_create(&second, 0, want, &other), 0);
  if (may_be_late) CHECK_SOON(has_waiter(s.lock));
  else CHECK_SOON(is_queued(&s) && is_queued(&other));
  sem_post(&s.go);
  if (may_join) linux_thread_join(owner);
  linux_thread_join(waiter);
  linux_thread_join(second);
  CHECK(was_told(&s, may_be_late));
  CHECK(was_told(&other, may_be_late));
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(cuio_lock_acquire(s.lock), -EOWNERDEAD);
    CHECK_EQUAL(cuio_lock_acquire_for(s.lock, 0), -EOWNERDEAD);
    CHECK_EQUAL(cuio_lock_acquire_for(s.lock, 1000000), -EOWNERDEAD);
  }
  CHECK(!cuio_lock_is_held(s.lock));
  CHECK(cuio_lock_is_inconsistent(s.lock));
  // Lists may be worked on; that repairs nothing.
  CHECK_EQUAL(cuio_lock_acquire_any(s.lock), 0);
  CHECK_EQUAL(cuio_lock_acquire_any(s.lock), -EDEADLK);
  cuio_lock_release_as_found(s.lock);
  CHECK_EQUAL(cuio_lock_acquire(s.lock), -EOWNERDEAD);
  CHECK_EQUAL(cuio_lock_repair(s.lock), 0);
  CHECK(cuio_lock_is_owned(s.lock));
  CHECK_EQUAL(cuio_lock_release(s.lock), 0);
  CHECK_EQUAL(cuio_lock_acquire(s.lock), 0);
  CHECK_EQUAL(cuio_lock_release(s.lock), 0);
  CHECK_EQUAL(cuio_lock_repair(s.lock), -EINVAL);
}

static void owner_ends(void (*end)(void), bool may_join) { owner_ends_late(end, may_join, false); }

static void by_return(void) {}
static void by_exit(void) { pthread_exit(NULL); }
static void by_cancellation(void) {
  pthread_cancel(pthread_self());
  pthread_testcancel();
}

TEST(owner_that_returns_leaves_its_lock_inconsistent) { owner_ends(by_return, true); }
TEST(owner_that_calls_pthread_exit_leaves_its_lock_inconsistent) { owner_ends(by_exit, true); }
TEST(owner_that_is_cancelled_leaves_its_lock_inconsistent) { owner_ends(by_cancellation, true); }

#if !defined(CUIO_SANITIZE_THREAD) && !defined(__SANITIZE_ADDRESS__)
// The sanitizers follow a thread's end in the C library.
static void by_system_call(void) { syscall(SYS_exit, 0); }

TEST(owner_that_the_c_library_does_not_see_end_leaves_its_lock_inconsistent) {
  if (!check_is_emulated()) owner_ends(by_system_call, false);
}

// In some rounds a waiter comes between the kernel's two steps from one owner to the next, in others after the lock was
// closed.
TEST(owners_that_end_in_every_way_meet_waiters_at_every_moment) {
  if (check_is_emulated()) return;
  for (int round = 0; round < 300 && check_failures() == 0; round++) {
    owner_ends_late(by_system_call, false, true);
    owner_ends_late(by_exit, true, true);
  }
}
#endif

TEST(owner_that_ended_is_not_hidden_by_the_mark_of_a_waiter_that_was_refused) {
  scene s = prepared(by_exit);
  for (int i = 0; i < 2; i++) {
    s.lock->word = CUIO_LOCK_INCONSISTENT | 1u << 31;
    s.lock->died = 1;
    CHECK_EQUAL(cuio_lock_acquire(s.lock), -EOWNERDEAD);
    if (i == 0) CHECK_EQUAL(cuio_lock_acquire_any(s.lock), 0);
    else CHECK_EQUAL(cuio_lock_repair(s.lock), 0);
    CHECK(cuio_lock_is_owned(s.lock));
    cuio_lock_release_as_found(s.lock);
  }
  CHECK_EQUAL(cuio_lock_acquire(s.lock), 0);
  CHECK_EQUAL(cuio_lock_release(s.lock), 0);
}

TEST(owner_without_waiters_leaves_its_lock_inconsistent) {
  scene s = prepared(by_exit);
  pthread_t owner;
  CHECK_EQUAL(linux_thread_create(&owner, 0, hold_and_end, &s), 0);
  sem_post(&s.go);
  linux_thread_join(owner);
  CHECK_EQUAL(cuio_lock_acquire(s.lock), -EOWNERDEAD);
}

static void *find_own_id_taken(void *context) {
  scene *s = context;
  __atomic_store_n(&s->lock->word, (uint32_t)syscall(SYS_gettid), __ATOMIC_RELAXED);
  s->result = cuio_lock_acquire(s->lock);
  return NULL;
}

TEST(owners_id_that_a_new_thread_got_makes_that_no_owner) {
  scene s = prepared(by_return);
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, find_own_id_taken, &s), 0);
  linux_thread_join(thread);
  CHECK_EQUAL(s.result, -EOWNERDEAD);
}

TEST(owners_id_that_another_process_got_is_not_waited_for) {
  int pipe_of_child[2];
  CHECK_EQUAL(pipe(pipe_of_child), 0);
  pid_t child = fork();
  if (child == 0) {
    char byte;
    close(pipe_of_child[1]);
    _exit(read(pipe_of_child[0], &byte, 1) == 0 ? 0 : 1);
  }
  cuio_lock lock = {.word = (uint32_t)child};
  CHECK_EQUAL(cuio_lock_acquire(&lock), -EOWNERDEAD);
  close(pipe_of_child[0]);
  close(pipe_of_child[1]);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
}

static cuio_lock *idle, *held;

static void in_child(void) {
  CHECK_EQUAL(linux_process_generation(), 2);
  CHECK_EQUAL(linux_process_of(1), getppid());
  CHECK(!linux_process_has_ended(1, 0));
  CHECK_EQUAL(cuio_lock_acquire(idle), -ECHILD);
  CHECK_EQUAL(cuio_lock_acquire_for(idle, 0), -ECHILD);
  CHECK_EQUAL(cuio_lock_acquire_any(idle), -ECHILD);
  CHECK_EQUAL(cuio_lock_release(held), -EPERM);
  cuio_lock *own = listed();
  CHECK_EQUAL(cuio_lock_acquire(own), 0);
  CHECK_EQUAL(cuio_lock_release(own), 0);
  cuio_lock_adopt(idle);
  CHECK_EQUAL(cuio_lock_acquire(idle), 0);
  CHECK_EQUAL(cuio_lock_release(idle), 0);
  // What its holder was doing in the parent, no thread goes on with here.
  cuio_lock_adopt(held);
  CHECK_EQUAL(cuio_lock_acquire(held), -EOWNERDEAD);
}

TEST(owner_of_a_lock_is_its_process_and_no_child) {
  idle = listed();
  held = listed();
  CHECK_EQUAL(linux_process_generation(), 1);
  CHECK_EQUAL(cuio_lock_acquire(held), 0);
  CHECK(check_in_child(in_child));
  CHECK_EQUAL(cuio_lock_release(held), 0);
  CHECK_EQUAL(cuio_lock_acquire(idle), 0);
  CHECK_EQUAL(cuio_lock_release(idle), 0);
}

static void grandchild(void) {
  CHECK_EQUAL(linux_process_generation(), 3);
  CHECK_EQUAL(linux_process_of(2), getppid());
}

static void fork_again(void) { CHECK(check_in_child(grandchild)); }

TEST(owner_generations_count_on_in_a_childs_child) { CHECK(check_in_child(fork_again)); }

TEST(owner_that_a_fork_without_the_c_library_made_is_another_one_too) {
  if (check_is_emulated()) return;
  pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
  if (child == 0) _exit(linux_process_generation() == 2 ? 0 : 1);
  int status = 1;
  waitpid(child, &status, 0);
  CHECK_EQUAL(status, 0);
}

TEST(owner_process_that_has_ended_is_seen_before_it_was_waited_for) {
  int report[2];
  CHECK_EQUAL(pipe(report), 0);
  pid_t parent = fork();
  if (parent == 0) {
    if (fork() == 0) {
      char ended = linux_process_has_ended(2, 10000);
      _exit(write(report[1], &ended, 1) == 1 ? 0 : 1);
    }
    _exit(0);
  }
  // The parent of the child that asks stays a zombie until here.
  char ended = 0;
  CHECK_EQUAL(read(report[0], &ended, 1), 1);
  CHECK_EQUAL(ended, 1);
  waitpid(parent, NULL, 0);
  close(report[0]);
  close(report[1]);
}
