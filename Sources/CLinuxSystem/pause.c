// Floor 0: what pause points need beside their macros (linux_pause.h), and nothing in any build but that of
// Tests/Interleavings.
#include "linux_pause.h"

#if defined(LINUX_PAUSE_POINTS)

#include <stdlib.h>

const linux_pause_hooks *linux_pause_hooked;

typedef struct start {
  void *(*entry)(void *);
  void *context;
} start;

static void *enter(void *memory) {
  start begun = *(start *)memory;
  free(memory);
  if (linux_pause_hooked) linux_pause_hooked->begun();
  void *result = begun.entry(begun.context);
  if (linux_pause_hooked) linux_pause_hooked->ended();
  return result;
}

int linux_pause_thread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*entry)(void *),
                              void *context) {
  start *memory = malloc(sizeof *memory);
  if (memory == NULL) return ENOMEM;
  *memory = (start){entry, context};
  int result = pthread_create(thread, attributes, enter, memory);
  if (result != 0) free(memory);
  else if (linux_pause_hooked) linux_pause_hooked->created();
  return result;
}

void linux_pause_thread_join(pthread_t thread) {
  if (linux_pause_hooked) linux_pause_hooked->join(thread);
}

bool linux_pause_mutex_is_free(const void *mutex, uint64_t unused) {
  (void)unused;
  if (pthread_mutex_trylock((pthread_mutex_t *)mutex) != 0) return false;
  pthread_mutex_unlock((pthread_mutex_t *)mutex);
  return true;
}

#endif
