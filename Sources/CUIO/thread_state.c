#include "cuio_thread_state.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <unistd.h>

__thread struct cuio_thread_state cuio_thread_state;

// A forked child keeps the parent's thread-local memory but has another kernel id.
static void forget_id(void) { cuio_thread_state.tid = 0; }

__attribute__((constructor)) static void watch_forks(void) { pthread_atfork(NULL, NULL, forget_id); }

uint32_t cuio_thread_id_slow(void) {
  uint32_t tid = (uint32_t)syscall(SYS_gettid);
  cuio_thread_state.tid = tid;
  return tid;
}
