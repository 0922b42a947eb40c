// Timers.
#ifndef ISW_WDFTIMER_H
#define ISW_WDFTIMER_H

#include "wdfobject.h"

/// At DISPATCH_LEVEL, on the thread of all DPCs; at PASSIVE_LEVEL when the attributes' ExecutionLevel says so.
typedef VOID EVT_WDF_TIMER(WDFTIMER Timer);
typedef EVT_WDF_TIMER *PFN_WDF_TIMER;

typedef struct _WDF_TIMER_CONFIG {
  ULONG Size;
  PFN_WDF_TIMER EvtTimerFunc;
  /// Milliseconds, or 0 for once.
  ULONG Period;
  BOOLEAN AutomaticSerialization;
  /// Without an effect, as the next.
  ULONG TolerableDelay;
  WDF_TRI_STATE UseHighResolutionTimer;
} WDF_TIMER_CONFIG, *PWDF_TIMER_CONFIG;

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtTimerFunc = EvtTimerFunc;
  Config->AutomaticSerialization = TRUE;
}

FORCEINLINE VOID WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc, ULONG Period) {
  WDF_TIMER_CONFIG_INIT(Config, EvtTimerFunc);
  Config->Period = Period;
}

ISW_BEGIN_C

/// Attributes with a parent are required. Errors as WdfDpcCreate's, or as WdfWorkItemCreate's with the passive
/// execution level; a timer at that level cannot be periodic (STATUS_NOT_SUPPORTED). Up to DISPATCH_LEVEL.
NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer);
/// Sets it to a due time in units of 100 ns (wdfsync.h). TRUE when it was set already. Up to DISPATCH_LEVEL.
BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime);
/// TRUE when it was set and is no more. With Wait also waits for a callback that runs, at PASSIVE_LEVEL.
BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait);
/// Any level.
WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer);

ISW_END_C

#endif
