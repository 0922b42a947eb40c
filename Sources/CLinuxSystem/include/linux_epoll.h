// Floor 0: epoll(7) by token, level-triggered, and one timerfd: what LinuxSystem's event loop waits with. The loop's
// thread only; no lock.
#ifndef LINUX_EPOLL_H
#define LINUX_EPOLL_H

#include "cuio_attributes.h"

struct linux_event {
  uint64_t token;
  uint32_t is_readable : 1;
  uint32_t is_writable : 1;
  // Both directions are closed, or an error waits.
  uint32_t is_hung_up : 1;
};

int linux_epoll_create(void);
int linux_epoll_add(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int linux_epoll_modify(int epoll, int descriptor, bool reads, bool writes, uint64_t token);
int linux_epoll_remove(int epoll, int descriptor);

/// How many events came within `milliseconds` (-1: without end); 0 when a signal ended it.
int linux_epoll_wait(int epoll, struct linux_event *CUIO_NONNULL events, int room, int milliseconds);

/// A timerfd on CLOCK_MONOTONIC.
int linux_timer_create(void);
/// Fires once at `nanoseconds` of CLOCK_MONOTONIC; 0: never.
int linux_timer_arm(int timer, uint64_t nanoseconds);

/// Nanoseconds that the calling thread has had a processor.
uint64_t linux_thread_time(void);

#endif
