// Loops as driver authors write them: wait, read, lock, routines, unlock. On threads of their own.
#ifndef WAITER_H
#define WAITER_H

#include "floor.h"
#include "probe.h"

typedef enum { WAITER_READ, WAITER_POLL, WAITER_EPOLL, WAITER_SPIN } waiter_kind;
typedef enum { WAITER_PI, WAITER_PLAIN } waiter_mutex;

/// Where a thread runs: SCHED_FIFO at `priority`, or the ordinary policy at 0; `processor` -1 is any.
typedef struct placement {
  int priority;
  int processor;
} placement;

/// Puts the calling thread there. Returns 0 or -errno.
int placement_apply(placement where);

typedef struct waiter waiter;

/// Starts a thread that serves `line` by calling `routine` with `contexts[0...count]`, each time under a mutex.
/// NULL if the thread cannot be created or the placement was refused.
waiter *_Nullable waiter_start(const probe_line *_Nonnull line, waiter_kind kind, waiter_mutex mutex,
                               floor_routine routine, void *_Nullable const *_Nonnull contexts, int count,
                               placement where);
/// The sum of what was counted.
uint64_t waiter_counted(waiter *_Nonnull waiter);
/// Nanoseconds that it last waited for its mutex, or 0 when it has not waited since this was asked last.
uint64_t waiter_take_wait(waiter *_Nonnull waiter);
void waiter_stop(waiter *_Nonnull waiter);

/// Calls `routine` under the waiter's mutex: the synchronized call of who writes it by hand.
int32_t waiter_call(void *_Nonnull waiter, floor_routine routine, void *_Nullable context);

/// Locks, calls, unlocks a priority-inheriting mutex `calls` times.
void waiter_calls_uncontended(uint64_t calls, uint64_t *_Nonnull count);

/// The least that a lock which can inherit priorities takes: compare-and-swap of the owner, call, compare-and-swap back.
void waiter_calls_least(uint64_t calls, uint64_t *_Nonnull count);

#endif
