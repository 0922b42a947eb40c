// Deferred work of the framework: DPC objects and timers at DISPATCH_LEVEL, work items and passive timers at
// PASSIVE_LEVEL. Each has a parent, and on request the callback lock of the device above it (W14).
#ifndef ISW_WDFDEFERRED_H
#define ISW_WDFDEFERRED_H

#include "../deferred.h"
#include "wdfobject.h"

// DPC objects: a KDPC with a parent.

/// At DISPATCH_LEVEL, on the thread of all DPCs.
typedef VOID EVT_WDF_DPC(WDFDPC Dpc);
typedef EVT_WDF_DPC *PFN_WDF_DPC;

typedef struct _WDF_DPC_CONFIG {
  ULONG Size;
  PFN_WDF_DPC EvtDpcFunc;
  BOOLEAN AutomaticSerialization;
} WDF_DPC_CONFIG, *PWDF_DPC_CONFIG;

FORCEINLINE VOID WDF_DPC_CONFIG_INIT(PWDF_DPC_CONFIG Config, PFN_WDF_DPC EvtDpcFunc) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtDpcFunc = EvtDpcFunc;
  Config->AutomaticSerialization = TRUE;
}

ISW_BEGIN_C

/// Attributes with a parent are required: a device, or an object below one. Up to DISPATCH_LEVEL.
///
/// STATUS_INFO_LENGTH_MISMATCH, STATUS_INVALID_PARAMETER (no function, no attributes), STATUS_WDF_PARENT_NOT_SPECIFIED,
/// STATUS_INVALID_DEVICE_REQUEST (a parent below no device), STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL (serialized with
/// a device at the passive execution level), and what WdfObjectCreate says of attributes.
NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc);
/// TRUE when queued now, FALSE when it was queued already (D1). Any level.
BOOLEAN WdfDpcEnqueue(WDFDPC Dpc);
/// TRUE when it was queued and is no more. With Wait also waits for one that runs, at PASSIVE_LEVEL; else any level.
BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait);
/// Any level.
WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc);
/// The KDPC inside. Any level.
PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc);

ISW_END_C

// Work items: code that needs PASSIVE_LEVEL, run on a thread of the framework.

/// At PASSIVE_LEVEL, never concurrently with itself. May be queued again while it runs, and delete itself.
typedef VOID EVT_WDF_WORKITEM(WDFWORKITEM WorkItem);
typedef EVT_WDF_WORKITEM *PFN_WDF_WORKITEM;

typedef struct _WDF_WORKITEM_CONFIG {
  ULONG Size;
  PFN_WDF_WORKITEM EvtWorkItemFunc;
  BOOLEAN AutomaticSerialization;
} WDF_WORKITEM_CONFIG, *PWDF_WORKITEM_CONFIG;

FORCEINLINE VOID WDF_WORKITEM_CONFIG_INIT(PWDF_WORKITEM_CONFIG Config, PFN_WDF_WORKITEM EvtWorkItemFunc) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtWorkItemFunc = EvtWorkItemFunc;
  Config->AutomaticSerialization = TRUE;
}

ISW_BEGIN_C

/// Attributes with a parent are required. Errors as WdfDpcCreate's, but serialization needs a device at the passive
/// execution level. Up to DISPATCH_LEVEL.
NTSTATUS WdfWorkItemCreate(PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWORKITEM *WorkItem);
/// Queues it; nothing happens when it is queued already. Up to DISPATCH_LEVEL.
VOID WdfWorkItemEnqueue(WDFWORKITEM WorkItem);
/// Waits for what was queued before the call. PASSIVE_LEVEL; in the item's own callback reported, and not done.
VOID WdfWorkItemFlush(WDFWORKITEM WorkItem);
/// Any level.
WDFOBJECT WdfWorkItemGetParentObject(WDFWORKITEM WorkItem);

ISW_END_C

// Timers.

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
