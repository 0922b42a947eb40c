// Events (D6).
#include "objects.h"

VOID KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State) {
  isw_object_initialize(&Event->Header, Type == NotificationEvent ? ISW_NOTIFICATION_EVENT : ISW_SYNCHRONIZATION_EVENT,
                        State != 0);
}

// The state before; that from now on is `state`.
static LONG change(PCSTR call, PKEVENT event, LONG state, BOOLEAN wait) {
  if (!isw_object_may_change(&event->Header, ISW_EVENTS, call, "D6", wait)) return 0;
  isw_objects_lock();
  LONG before = event->Header.SignalState;
  event->Header.SignalState = state;
  if (state) isw_object_wake(&event->Header);
  isw_objects_unlock();
  return before;
}

LONG KeSetEvent(PKEVENT Event, KPRIORITY Increment, BOOLEAN Wait) {
  (void)Increment;
  return change("KeSetEvent", Event, 1, Wait);
}

VOID KeClearEvent(PKEVENT Event) { change("KeClearEvent", Event, 0, FALSE); }
LONG KeResetEvent(PKEVENT Event) { return change("KeResetEvent", Event, 0, FALSE); }

LONG KeReadStateEvent(PKEVENT Event) {
  return isw_object_is(&Event->Header, ISW_EVENTS, "KeReadStateEvent", "D6") ? isw_object_state(&Event->Header) : 0;
}
