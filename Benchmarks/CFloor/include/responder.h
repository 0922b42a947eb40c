// A process that answers messages over a socket, and tells of each through shared memory: what the daemon's calls and
// rings take where there is no daemon behind them.
#ifndef RESPONDER_H
#define RESPONDER_H

#include <stdint.h>

typedef struct responder responder;

/// What it does with a message besides answering it.
typedef enum responder_kind {
  RESPONDER_ECHO,
  /// Leaves a record in memory and, where the reader sleeps, signals an eventfd.
  RESPONDER_RECORD,
  /// The same RESPONDER_DELAY microseconds later, for a reader that has to be asleep by then.
  RESPONDER_LATE,
  /// The same by three threads, each of which wakes the next, as the daemon's control thread, a dispatcher and the
  /// observers' thread do. The second tells the record's time.
  RESPONDER_CHAIN,
} responder_kind;

enum { RESPONDER_DELAY = 100 };

/// Starts one that answers each message, which ends with a zero byte, with `reply` and a zero byte. NULL if the process
/// cannot be created.
responder *_Nullable responder_start(const char *_Nonnull reply, responder_kind kind);
/// Its other end, for daemon_call() and its like.
int responder_socket(const responder *_Nonnull responder);
/// Waits for the next record and returns when it was written, in nanoseconds of CLOCK_MONOTONIC; 0 when none came for
/// 5 seconds.
uint64_t responder_next(responder *_Nonnull responder);
void responder_end(responder *_Nonnull responder);

#endif
