// Floor 0: what each thread knows of itself: its kernel id, level, and wake-ups put off while it holds a lock. Only the
// thread itself touches its state. A thread that ends closes the locks that it holds.
#include "cuio_thread_state.h"

#include "cuio_lock.h"
#include "linux_event.h"
#include "linux_process.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct cuio_thread_state cuio_thread_state __attribute__((tls_model("initial-exec")));

// Set for each thread that may hold a lock; the key's destructor runs when the thread returns, is cancelled or calls
// pthread_exit(3), after the frames of its routines have gone.
static pthread_key_t end_key;
static bool has_key;

static void thread_ends(void *value) {
  (void)value;
  cuio_lock_close_owned();
}

// A forked child keeps the parent's thread-local memory but has another kernel id.
static void forget_id(void) { cuio_thread_state.tid = 0; }

__attribute__((constructor)) static void watch(void) {
  has_key = pthread_key_create(&end_key, thread_ends) == 0;
  linux_process_on_fork(forget_id);
}

// The library may leave a process before its threads do.
__attribute__((destructor)) static void forget_key(void) {
  if (has_key) pthread_key_delete(end_key);
}

uint32_t cuio_thread_id_slow(void) {
  uint32_t tid = (uint32_t)syscall(SYS_gettid);
  cuio_thread_state.tid = tid;
  if (has_key) pthread_setspecific(end_key, &end_key);
  // Locks that a thread with the same id left when it ended without its destructors.
  cuio_lock_close_owned();
  return tid;
}

void cuio_thread_wake_slow(void) {
  for (int i = 0; i < 2; i++) {
    int fd = cuio_thread_state.deferred_wakes[i] - 1;
    cuio_thread_state.deferred_wakes[i] = 0;
    if (fd >= 0) linux_event_signal(fd, 1);
  }
}

void cuio_thread_wake(int fd) {
  int32_t *waiting = cuio_thread_state.deferred_wakes;
  if (cuio_thread_state.level < 3) linux_event_signal(fd, 1);
  else if (waiting[0] == 0 || waiting[0] == fd + 1) waiting[0] = fd + 1;
  else if (waiting[1] == 0 || waiting[1] == fd + 1) waiting[1] = fd + 1;
  // A third is rare and goes out at once.
  else linux_event_signal(fd, 1);
}
