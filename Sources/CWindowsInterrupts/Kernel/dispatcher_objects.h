// Floor 5, room Kernel: what dispatcher.c, dispatcher_objects.c, timer.c, work_item.c and debug.c call of each other.
// Any thread up to DISPATCH_LEVEL; the lock of a passive-level interrupt may be held. The objects' lock guards the
// state of all objects and their lists of waiting threads. It is the innermost lock: under it take no other, run no
// routine of the driver, and do not report.
#ifndef ISW_DISPATCHER_OBJECTS_H
#define ISW_DISPATCHER_OBJECTS_H

#include "isw/core.h"

#include <pthread.h>
#include <time.h>

/// DISPATCHER_HEADER.Type. 0 means memory that was never initialised.
enum {
  ISW_NOTIFICATION_EVENT = 1,
  ISW_SYNCHRONIZATION_EVENT,
  ISW_SEMAPHORE,
  ISW_MUTEX,
  ISW_NOTIFICATION_TIMER,
  ISW_SYNCHRONIZATION_TIMER
};
#define ISW_EVENTS (1u << ISW_NOTIFICATION_EVENT | 1u << ISW_SYNCHRONIZATION_EVENT)
#define ISW_TIMERS (1u << ISW_NOTIFICATION_TIMER | 1u << ISW_SYNCHRONIZATION_TIMER)
#define ISW_OBJECTS (ISW_EVENTS | 1u << ISW_SEMAPHORE | 1u << ISW_MUTEX | ISW_TIMERS)

void isw_objects_lock(void);
void isw_objects_unlock(void);

void isw_object_initialize(DISPATCHER_HEADER *header, UCHAR type, LONG state);
/// Whether the object is of one of the types in the bit set; reports another type.
bool isw_object_is(const DISPATCHER_HEADER *header, unsigned types, PCSTR call, PCSTR rule);
/// Whether the caller may change an object: the right type, up to DISPATCH_LEVEL, or APC_LEVEL with `wait`. Reports a
/// refusal.
bool isw_object_may_change(const DISPATCHER_HEADER *header, unsigned types, PCSTR call, PCSTR rule, BOOLEAN wait);
/// The state now.
LONG isw_object_state(const DISPATCHER_HEADER *header);
/// Releases the threads that wait for an object that has become signalled. With the lock held. Once it returns, the
/// object may have been freed.
void isw_object_wake(DISPATCHER_HEADER *header);

/// When a wait ends: at a time of a clock, or never.
typedef struct {
  bool limited;
  clockid_t clock;
  struct timespec until;
} isw_deadline;

/// A DueTime, Timeout or Interval: nanoseconds of CLOCK_MONOTONIC when negative, else of CLOCK_REALTIME.
ULONGLONG isw_due_time(LONGLONG time, clockid_t *clock);
ULONGLONG isw_clock_now(clockid_t clock);

#endif
