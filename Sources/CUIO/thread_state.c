// Floor 0: what each thread knows of itself: its kernel id, level, and wake-ups put off while it holds a lock. Only the
// thread itself touches its state.
#include "cuio_thread_state.h"

#include "linux_event.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct cuio_thread_state cuio_thread_state __attribute__((tls_model("initial-exec")));

// A forked child keeps the parent's thread-local memory but has another kernel id.
static void forget_id(void) { cuio_thread_state.tid = 0; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_id); }

uint32_t cuio_thread_id_slow(void) {
  uint32_t tid = (uint32_t)syscall(SYS_gettid);
  cuio_thread_state.tid = tid;
  return tid;
}

void cuio_thread_wake_slow(void) {
  int fd = cuio_thread_state.deferred_wake - 1;
  cuio_thread_state.deferred_wake = 0;
  linux_event_signal(fd, 1);
}

void cuio_thread_wake(int fd) {
  // One can be put off; a second one for another descriptor is rare and goes out at once.
  int32_t waiting = cuio_thread_state.deferred_wake;
  if (cuio_thread_state.level < 3 || (waiting != 0 && waiting != fd + 1)) linux_event_signal(fd, 1);
  else cuio_thread_state.deferred_wake = fd + 1;
}
