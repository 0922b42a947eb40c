// A process that answers messages over a socket, and tells of each through shared memory: what the daemon's calls and
// rings take where there is no daemon behind them.
#ifndef RESPONDER_H
#define RESPONDER_H

#include <stdint.h>

typedef struct responder responder;

/// Starts one that answers each message, which ends with a zero byte, with `reply` and a zero byte. With `records` not 0
/// it first leaves a record in memory and, where the reader sleeps, signals an eventfd; `delay` microseconds after it
/// was asked, for a reader that has to be asleep by then. NULL if the process cannot be created.
responder *_Nullable responder_start(const char *_Nonnull reply, int records, unsigned delay);
/// Its other end, for daemon_call() and its like.
int responder_socket(const responder *_Nonnull responder);
/// Waits for the next record and returns when it was written, in nanoseconds of CLOCK_MONOTONIC; 0 when none came for
/// 5 seconds.
uint64_t responder_next(responder *_Nonnull responder);
void responder_end(responder *_Nonnull responder);

#endif
