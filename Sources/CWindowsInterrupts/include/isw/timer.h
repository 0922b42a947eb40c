// Timers: signalled, and a DPC queued, at a time (D11). One thread serves all; it starts with the first timer.
#ifndef ISW_TIMER_H
#define ISW_TIMER_H

#include "dispatcher.h"
#include "dpc.h"

typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;

/// The fields are the system's. While it is set a timer must not move or end.
typedef struct _KTIMER {
  DISPATCHER_HEADER Header;
  LIST_ENTRY TimerListEntry;
  /// Nanoseconds of the queue's clock.
  ULONGLONG DueTime;
  PKDPC Dpc;
  LONG Period;
  BOOLEAN IsSet;
  UCHAR Clock;
} KTIMER, *PKTIMER, *PRKTIMER;

ISW_BEGIN_C

/// A NotificationTimer that is not set. One that was set at the same address is taken back. Any level but the first
/// time in a process, which starts the thread, at PASSIVE_LEVEL.
VOID KeInitializeTimer(PKTIMER Timer);
VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);
/// Not signalled, and set for `DueTime`: negative from now on, else a system time, in 100 ns. TRUE when it was set
/// already; that time is void then. `Dpc` may be NULL. Up to DISPATCH_LEVEL; above it is reported and not done.
BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);
/// The same, and from then on every `Period` milliseconds unless that is 0; a negative one is reported.
BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);
/// TRUE when it was set; it will not expire then. Leaves the state as it is, and a DPC that is queued. Up to
/// DISPATCH_LEVEL.
BOOLEAN KeCancelTimer(PKTIMER Timer);
/// TRUE when signalled. Any level.
BOOLEAN KeReadStateTimer(PKTIMER Timer);

ISW_END_C

#endif
