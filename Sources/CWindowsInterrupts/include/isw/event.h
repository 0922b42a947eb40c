// Events: a flag that threads wait for (D6). All of an event lies in the driver's memory; nothing has to be ended.
#ifndef ISW_EVENT_H
#define ISW_EVENT_H

#include "dispatcher.h"

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;

typedef struct _KEVENT {
  DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;

ISW_BEGIN_C

/// NotificationEvent: stays signalled and releases all; SynchronizationEvent: releases one and is then not signalled.
/// Any level.
VOID KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State);
/// Signals; the state before. No allocation. `Increment` has no effect; nor has `Wait`, but that it asks for APC_LEVEL
/// at most. Up to DISPATCH_LEVEL; above it is reported and not done.
LONG KeSetEvent(PKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
/// Not signalled from now on. Up to DISPATCH_LEVEL.
VOID KeClearEvent(PKEVENT Event);
/// The same; the state before.
LONG KeResetEvent(PKEVENT Event);
/// The state now. Any level.
LONG KeReadStateEvent(PKEVENT Event);

ISW_END_C

#endif
