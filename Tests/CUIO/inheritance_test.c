// Priority inheritance: an owner runs at the priority of the most urgent thread that waits for it.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct {
  cuio_lock lock;
  uint32_t tid, holds, go;
  int result;
} scene;

/// The effective_priority() of an ordinary thread of this process, which may have been started nice.
static int ordinary_priority(void) { return 20 + getpriority(PRIO_PROCESS, 0); }

/// The 18th field of the thread's stat: 20 + nice for an ordinary thread, -1 - n at real-time priority n.
static int effective_priority(uint32_t tid) {
  char path[64], text[1024] = "";
  snprintf(path, sizeof path, "/proc/self/task/%u/stat", tid);
  FILE *file = fopen(path, "r");
  if (file == NULL) return 9999;
  size_t length = fread(text, 1, sizeof text - 1, file);
  fclose(file);
  text[length] = 0;
  // The name may hold spaces; it ends at the last parenthesis. The third field follows.
  char *field = strrchr(text, ')');
  if (field == NULL) return 9999;
  int value = 9999;
  for (int i = 3; i <= 18 && field != NULL; i++) field = strchr(field + 1, ' ');
  if (field == NULL || sscanf(field, "%d", &value) != 1) return 9999;
  return value;
}

static void *own(void *context) {
  scene *s = context;
  __atomic_store_n(&s->tid, cuio_thread_id(), __ATOMIC_RELAXED);
  CHECK_EQUAL(cuio_lock_acquire(&s->lock), 0);
  cuio_flag_raise(&s->holds);
  CHECK_SOON(cuio_flag_is_up(&s->go));
  CHECK_EQUAL(cuio_lock_release(&s->lock), 0);
  // The loan ends with the release.
  CHECK_SOON(effective_priority(s->tid) == ordinary_priority());
  return NULL;
}

static void *want(void *context) {
  scene *s = context;
  s->result = linux_thread_set_policy(pthread_self(), SCHED_FIFO, 10);
  if (s->result != 0) return NULL;
  s->result = cuio_lock_acquire(&s->lock);
  if (s->result == 0) s->result = cuio_lock_release(&s->lock);
  return NULL;
}

static bool may_set_fifo(void) {
  struct sched_param old, fifo = {.sched_priority = 1};
  sched_getparam(0, &old);
  if (sched_setscheduler(0, SCHED_FIFO, &fifo) != 0) return false;
  return sched_setscheduler(0, SCHED_OTHER, &old) == 0;
}

TEST(lock_owner_runs_at_the_priority_of_its_fifo_waiter) {
  scene s = {.result = 1};
  pthread_t owner, waiter;
  // Without the right there is nothing to inherit: the refusal is what can be seen then.
  if (!may_set_fifo()) {
    CHECK_EQUAL(linux_thread_create(&waiter, 0, want, &s), 0);
    linux_thread_join(waiter);
    CHECK_EQUAL(s.result, -EPERM);
    return;
  }
  CHECK_EQUAL(linux_thread_create(&owner, 0, own, &s), 0);
  CHECK_SOON(cuio_flag_is_up(&s.holds));
  CHECK_EQUAL(effective_priority(s.tid), ordinary_priority());
  CHECK_EQUAL(linux_thread_create(&waiter, 0, want, &s), 0);
  CHECK_SOON(effective_priority(s.tid) == -11);
  cuio_flag_raise(&s.go);
  linux_thread_join(owner);
  linux_thread_join(waiter);
  CHECK_EQUAL(s.result, 0);
}

// Under the sanitizers and an emulator too: if the kernel's protocol is missing, a contended acquire says so at once.
TEST(lock_slow_path_reaches_the_kernels_pi_futex) {
  cuio_lock lock = {.word = 0x3ffffffe};
  CHECK_EQUAL(cuio_lock_acquire_for(&lock, 1000000), -EOWNERDEAD);
}
