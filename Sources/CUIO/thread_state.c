// Floor 0: what each thread knows of itself: its kernel id, level, and wake-ups put off while it holds a lock. The
// lock's leave calls it when a wake-up waits, the deferred queue and the rings when they wake a thread; any thread,
// also with the interrupt lock held, and it takes none. Only the thread itself touches its state. A thread that ends
// closes the locks that it holds.
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

void cuio_bell_sleep(cuio_bell *bell) { __atomic_store_n(&bell->asleep, 1, __ATOMIC_SEQ_CST); }

static void ask(cuio_bell *bell) {
  // Ordered against the sleeper's flag and its second look: one of the two sees the other.
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
  if (__atomic_load_n(&bell->asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&bell->asleep, 0, __ATOMIC_SEQ_CST))
    linux_event_signal(bell->fd, 1);
}

// Whether `what` waits now for the end of the hold. A third is rare and does not.
static bool put_off(int32_t what) {
  int32_t *waiting = cuio_thread_state.deferred_wakes;
  for (int i = 0; i < 2; i++) {
    if (waiting[i] != 0 && waiting[i] != what) continue;
    waiting[i] = what;
    return true;
  }
  return false;
}

void cuio_thread_wake(int fd) {
  if (cuio_thread_state.level < 3 || !put_off(fd + 1)) linux_event_signal(fd, 1);
}

void cuio_bell_ring(cuio_bell *bell) {
  struct cuio_thread_state *own = &cuio_thread_state;
  // Every observer of a process has the same; another one displaces none that waits.
  if (own->level < 3 || (own->bell && own->bell != bell) || !put_off(-1)) ask(bell);
  else own->bell = bell;
}

void cuio_thread_wake_slow(void) {
  for (int i = 0; i < 2; i++) {
    int32_t what = cuio_thread_state.deferred_wakes[i];
    cuio_thread_state.deferred_wakes[i] = 0;
    if (what > 0) linux_event_signal(what - 1, 1);
  }
  cuio_bell *bell = cuio_thread_state.bell;
  cuio_thread_state.bell = NULL;
  if (bell) ask(bell);
}
