// epoll, timerfd and eventfd.
#ifndef CVARLINK_LOOP_H
#define CVARLINK_LOOP_H

#include <stdint.h>

#include "cvarlink_socket.h"

struct cvarlink_event {
  uint64_t token;
  uint32_t is_readable : 1;
  uint32_t is_writable : 1;
  // Both directions are closed, or an error waits.
  uint32_t is_hung_up : 1;
};

int cvarlink_epoll_create(void);
int cvarlink_epoll_add(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int cvarlink_epoll_modify(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int cvarlink_epoll_remove(int epoll, int descriptor);

/// How many events came within `milliseconds` (-1: without end); 0 when a signal ended it.
int cvarlink_epoll_wait(int epoll, struct cvarlink_event *CVARLINK_NONNULL events, int room, int milliseconds);

/// A timerfd on CLOCK_MONOTONIC.
int cvarlink_timer_create(void);
/// Fires once at `nanoseconds` of CLOCK_MONOTONIC; 0: never.
int cvarlink_timer_arm(int timer, uint64_t nanoseconds);

/// An eventfd.
int cvarlink_wake_create(void);
void cvarlink_wake(int descriptor);
/// Takes what a timerfd or eventfd counted.
void cvarlink_settle(int descriptor);

uint64_t cvarlink_now(void);
/// Nanoseconds that the calling thread has had a processor.
uint64_t cvarlink_thread_time(void);

#endif
