// Floor 0: the places at which a test may stop a thread and let another one run, on whatever thread comes by. They are
// empty in every build but that of Tests/Interleavings, which defines LINUX_PAUSE_POINTS for all C, and for all Swift
// that imports it. A place at which a thread may have to wait says until when, so that a scheduler knows who can go on.
#ifndef LINUX_PAUSE_H
#define LINUX_PAUSE_H

#include "linux_attributes.h"

#include <pthread.h>

#if defined(LINUX_PAUSE_POINTS)

/// Whether the thread at a pause point could go on. Any thread asks.
typedef bool linux_pause_condition(const void *LINUX_NULLABLE object, uint64_t argument);

/// What a scheduler does.
typedef struct linux_pause_hooks {
  /// Returns when it is the thread's turn. No condition: it could go on at once.
  void (*LINUX_NONNULL pause)(const char *LINUX_NONNULL point, linux_pause_condition *LINUX_NULLABLE condition,
                              const void *LINUX_NULLABLE object, uint64_t argument);
  /// The calling thread has started another one.
  void (*LINUX_NONNULL created)(void);
  /// First and last on a thread that was started.
  void (*LINUX_NONNULL begun)(void);
  void (*LINUX_NONNULL ended)(void);
  /// The time, which CLOCK_MONOTONIC has as `nanoseconds`: how long a step takes must not decide what comes next.
  uint64_t (*LINUX_NONNULL now)(uint64_t nanoseconds);
  /// Returns when the thread has ended.
  void (*LINUX_NONNULL join)(pthread_t thread);
} linux_pause_hooks;

extern const linux_pause_hooks *LINUX_NULLABLE linux_pause_hooked;

LINUX_HOT static inline void linux_pause(const char *LINUX_NONNULL point, linux_pause_condition *LINUX_NULLABLE condition,
                                         const void *LINUX_NULLABLE object, uint64_t argument) {
  if (linux_pause_hooked) linux_pause_hooked->pause(point, condition, object, argument);
}

/// pthread_create(3), with the hooks around `entry`.
int linux_pause_thread_create(pthread_t *LINUX_NONNULL thread, const pthread_attr_t *LINUX_NONNULL attributes,
                              void *LINUX_NULLABLE (*LINUX_NONNULL entry)(void *LINUX_NULLABLE),
                              void *LINUX_NULLABLE context);
void linux_pause_thread_join(pthread_t thread);

bool linux_pause_mutex_is_free(const void *LINUX_NULLABLE mutex, uint64_t unused);

static inline uint64_t linux_pause_clock(uint64_t nanoseconds) {
  return linux_pause_hooked ? linux_pause_hooked->now(nanoseconds) : nanoseconds;
}

#define LINUX_PAUSE_CLOCK(nanoseconds) linux_pause_clock(nanoseconds)
#define LINUX_PAUSE(point) linux_pause(point, NULL, NULL, 0)
#define LINUX_PAUSE_UNTIL(point, condition, object, argument) linux_pause(point, condition, object, argument)

#else

#define LINUX_PAUSE_CLOCK(nanoseconds) (nanoseconds)
#define LINUX_PAUSE(point) ((void)0)
#define LINUX_PAUSE_UNTIL(point, condition, object, argument) ((void)0)
#define linux_pause_thread_create pthread_create
#define linux_pause_thread_join(thread) ((void)0)

#endif

/// pthread_mutex_lock(3), as a pause point.
static inline void linux_mutex_lock(pthread_mutex_t *LINUX_NONNULL mutex) {
  LINUX_PAUSE_UNTIL("mutex", linux_pause_mutex_is_free, mutex, 0);
  pthread_mutex_lock(mutex);
}

#endif
