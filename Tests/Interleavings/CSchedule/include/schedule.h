// A scheduler that lets one thread of the library run at a time, and decides at each pause point (linux_pause.h) which
// one goes on. Where several could, that is a choice; a list of choices replays a run. The threads are two scripts and
// every thread that they, or the threads they start, start.
#ifndef SCHEDULE_H
#define SCHEDULE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SCHEDULE_THREADS = 8, SCHEDULE_CHOICES = 4096 };

typedef enum {
  SCHEDULE_ENDED = 0,
  /// Threads wait for one another, and a script has not ended.
  SCHEDULE_DEADLOCK = 1,
  /// So many steps that the threads will not come to an end.
  SCHEDULE_ENDLESS = 2,
  /// A thread waits at a place that is no pause point.
  SCHEDULE_STUCK = 3,
  /// The list of choices is not of this program.
  SCHEDULE_DIVERGED = 4,
} schedule_result;

typedef struct schedule_run {
  /// Which of the threads that can go on goes on: 0 is the one that ran, the others follow in the order of their start.
  /// Beyond `given` every choice is 0; `taken` is how many there were.
  uint16_t chosen[SCHEDULE_CHOICES];
  uint16_t options[SCHEDULE_CHOICES];
  size_t given, taken;
  /// Choices that take the processor from a thread that could go on.
  int preemptions, most_preemptions;
  /// A monitor that a thread sleeps on is looked at too late: what the test of the test looks for.
  bool looks_late;
  /// Prints each step.
  bool traces;
} schedule_run;

/// Runs two scripts until both have ended. Afterwards every thread runs freely. After a result other than
/// SCHEDULE_ENDED the threads are where they were, and the process must end.
schedule_result schedule_play(schedule_run *_Nonnull run, void (*_Nonnull first)(void *_Nullable),
                              void (*_Nonnull second)(void *_Nullable), void *_Nullable context);

/// In a script: from here on there are choices, the first of which is no preemption. Before, the first thread runs until it
/// has to wait.
void schedule_begin_choices(void);

/// A pause point of the test's own, on any thread.
void schedule_pause(const char *_Nonnull point);

/// A pause point at which the thread waits until the flag is up.
void schedule_pause_until(const char *_Nonnull point, const uint32_t *_Nonnull flag);

/// Prints where every thread is.
void schedule_print_threads(void);

#endif
