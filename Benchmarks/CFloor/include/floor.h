// The loop that driver authors write by hand, in C: what ours is measured against.
#ifndef FLOOR_H
#define FLOOR_H

#include <stdint.h>
#include <time.h>

typedef int32_t (*_Nonnull floor_routine)(void *_Nullable object, void *_Nullable context);

typedef struct floor_node {
  floor_routine routine;
  void *_Nullable context;
  struct floor_node *_Nullable next;
} floor_node;

/// A service routine that counts its calls in the uint64_t at `context` and claims.
int32_t floor_count(void *_Nullable object, void *_Nullable context);

/// What floor_count_on is given: calls so far, and the clock of the processor time of the thread that made the first.
typedef struct floor_counted {
  uint64_t calls;
  clockid_t clock;
} floor_counted;

/// The same as floor_count for a floor_counted.
int32_t floor_count_on(void *_Nullable object, void *_Nullable context);
/// That thread's processor time so far in nanoseconds; 0 before the first call. Any thread, while that one runs.
uint64_t floor_counted_time(const floor_counted *_Nonnull counted);

/// What floor_pass_on is given: the eventfd it signals, as long as `running` is not 0.
typedef struct floor_link {
  int32_t fd;
  const uint32_t *_Nonnull running;
} floor_link;

/// A service routine that raises the next line's interrupt and claims; `context` is a floor_link.
int32_t floor_pass_on(void *_Nullable object, void *_Nullable context);

/// Services and claims no interrupt: the line of `context`, a floor_link, fires again at once.
int32_t floor_storm(void *_Nullable object, void *_Nullable context);

/// A pipe opened for reading and writing: every re-arm makes the next read succeed, so that the loop runs at the pace
/// of its own two system calls. Returns the descriptor, non-blocking, or -1.
int floor_self_firing_line(void);

/// Reads 4 bytes, walks `list` under a priority-inheriting mutex, re-arms with 4 bytes: for `duration_ns`.
/// Returns the number of interrupts serviced.
uint64_t floor_run(int fd, floor_node *_Nullable list, uint64_t duration_ns);

/// An eventfd, non-blocking, or -1: what a vector of messages counts on. A routine raises the next message by floor_pass_on.
int floor_message_line(void);

/// The same as floor_run on an eventfd: reads 8 bytes, and nothing is re-armed.
uint64_t floor_run_messages(int fd, floor_node *_Nullable list, uint64_t duration_ns);

/// The least that a thread for many lines does: eventfds in one edge-triggered epoll, a read of the one that is ready, and
/// a write that makes the next one ready.
typedef struct floor_chain floor_chain;
/// NULL without descriptors.
floor_chain *_Nullable floor_chain_open(int count);
/// Serves one after the other for `duration_ns`. Returns the number of interrupts serviced.
uint64_t floor_chain_run(floor_chain *_Nonnull chain, uint64_t duration_ns);
void floor_chain_close(floor_chain *_Nonnull chain);

/// Keeps the calling thread on one processor.
void floor_pin(int processor);
/// Lets it run on any.
void floor_unpin(void);

#endif
