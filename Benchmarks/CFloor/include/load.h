// Threads that get in the way: callers of synchronized routines, and hogs of a processor.
#ifndef LOAD_H
#define LOAD_H

#include "waiter.h"

/// A synchronized call: of `routine` with `context`, by whatever `object` is.
typedef int32_t (*_Nonnull load_call)(void *_Nonnull object, floor_routine routine, void *_Nullable context);

typedef struct load load;

/// Calls again and again a routine that keeps the processor busy for `hold` nanoseconds of its own time, and pauses for
/// `pause` nanoseconds in between (0: not at all).
load *_Nullable load_callers(int count, load_call call, void *_Nonnull object, uint64_t hold, uint64_t pause,
                             placement where);
/// Keeps a processor busy for `busy` nanoseconds, then idle for `idle`, again and again.
load *_Nullable load_hog(uint64_t busy, uint64_t idle, placement where);
/// Signals `line` every `period` nanoseconds, which it waits for busily.
load *_Nullable load_signals(probe_line *_Nonnull line, uint64_t period, placement where);
/// The longest that a routine held the lock, in nanoseconds of its thread's own processor time.
uint64_t load_longest_hold(load *_Nonnull load);
/// Routines run so far.
uint64_t load_made(load *_Nonnull load);
void load_stop(load *_Nonnull load);

/// Processor time in nanoseconds of every other thread of the process, with what a running one has used up to now, which the clock of the
/// process learns at ticks only. A thread that has ended is not in it.
uint64_t load_others_time(void);

#endif
