// Windows interfaces, floor 5: deferred work of the framework, called by drivers. DPC objects and timers run at
// DISPATCH_LEVEL on the deferred queue `dpc`; work items and passive timers at PASSIVE_LEVEL on the threads
// `work item`. No interrupt lock is held. Each has a parent, and on request the callback lock of the device above it
// (W14).
#ifndef ISW_WDFDEFERRED_H
#define ISW_WDFDEFERRED_H

#include "../deferred.h"
#include "wdfobject.h"

// DPC objects: a KDPC with a parent.

/// Runs at DISPATCH_LEVEL, on the thread of all DPCs.
typedef VOID EVT_WDF_DPC(WDFDPC Dpc);
typedef EVT_WDF_DPC *PFN_WDF_DPC;

typedef struct _WDF_DPC_CONFIG {
  ULONG Size;
  PFN_WDF_DPC EvtDpcFunc;
  BOOLEAN AutomaticSerialization;
} WDF_DPC_CONFIG, *PWDF_DPC_CONFIG;

ISW_INLINE VOID WDF_DPC_CONFIG_INIT(PWDF_DPC_CONFIG Config, PFN_WDF_DPC EvtDpcFunc) {
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
/// a device at the passive execution level), and the errors of WdfObjectCreate for attributes.
NTSTATUS WdfDpcCreate(PWDF_DPC_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFDPC *Dpc);
/// TRUE if this call queued it, FALSE if it was queued already (D1). Any level.
BOOLEAN WdfDpcEnqueue(WDFDPC Dpc);
/// TRUE if it was queued and no longer is. With Wait also waits for a callback that runs, at PASSIVE_LEVEL; else any
/// level.
BOOLEAN WdfDpcCancel(WDFDPC Dpc, BOOLEAN Wait);
/// Any level.
WDFOBJECT WdfDpcGetParentObject(WDFDPC Dpc);
/// The KDPC inside. Any level.
PKDPC WdfDpcWdmGetDpc(WDFDPC Dpc);

ISW_END_C

// Work items: code that needs PASSIVE_LEVEL, run on a thread of the framework.

/// Runs at PASSIVE_LEVEL, never concurrently with itself. While it runs, the item may be queued again, and may be
/// deleted.
typedef VOID EVT_WDF_WORKITEM(WDFWORKITEM WorkItem);
typedef EVT_WDF_WORKITEM *PFN_WDF_WORKITEM;

typedef struct _WDF_WORKITEM_CONFIG {
  ULONG Size;
  PFN_WDF_WORKITEM EvtWorkItemFunc;
  BOOLEAN AutomaticSerialization;
} WDF_WORKITEM_CONFIG, *PWDF_WORKITEM_CONFIG;

ISW_INLINE VOID WDF_WORKITEM_CONFIG_INIT(PWDF_WORKITEM_CONFIG Config, PFN_WDF_WORKITEM EvtWorkItemFunc) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtWorkItemFunc = EvtWorkItemFunc;
  Config->AutomaticSerialization = TRUE;
}

ISW_BEGIN_C

/// Attributes with a parent are required. The errors are those of WdfDpcCreate, but serialization needs a device at the
/// passive execution level. Up to DISPATCH_LEVEL.
NTSTATUS WdfWorkItemCreate(PWDF_WORKITEM_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFWORKITEM *WorkItem);
/// Queues it; does nothing if it is queued already. Up to DISPATCH_LEVEL.
VOID WdfWorkItemEnqueue(WDFWORKITEM WorkItem);
/// Waits until every call that was queued before has run. PASSIVE_LEVEL; in the item's own callback it is reported and
/// does not wait.
VOID WdfWorkItemFlush(WDFWORKITEM WorkItem);
/// Any level.
WDFOBJECT WdfWorkItemGetParentObject(WDFWORKITEM WorkItem);

ISW_END_C

// Timers.

/// Runs at DISPATCH_LEVEL, on the thread of all DPCs; at PASSIVE_LEVEL if the attributes' ExecutionLevel says so.
typedef VOID EVT_WDF_TIMER(WDFTIMER Timer);
typedef EVT_WDF_TIMER *PFN_WDF_TIMER;

typedef struct _WDF_TIMER_CONFIG {
  ULONG Size;
  PFN_WDF_TIMER EvtTimerFunc;
  /// Milliseconds; 0 means once.
  ULONG Period;
  BOOLEAN AutomaticSerialization;
  /// Has no effect, nor has the next field.
  ULONG TolerableDelay;
  WDF_TRI_STATE UseHighResolutionTimer;
} WDF_TIMER_CONFIG, *PWDF_TIMER_CONFIG;

ISW_INLINE VOID WDF_TIMER_CONFIG_INIT(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc) {
  RtlZeroMemory(Config, sizeof *Config);
  Config->Size = sizeof *Config;
  Config->EvtTimerFunc = EvtTimerFunc;
  Config->AutomaticSerialization = TRUE;
}

ISW_INLINE VOID WDF_TIMER_CONFIG_INIT_PERIODIC(PWDF_TIMER_CONFIG Config, PFN_WDF_TIMER EvtTimerFunc, ULONG Period) {
  WDF_TIMER_CONFIG_INIT(Config, EvtTimerFunc);
  Config->Period = Period;
}

ISW_BEGIN_C

/// Attributes with a parent are required. The errors are those of WdfDpcCreate, or of WdfWorkItemCreate with the
/// passive execution level; a timer at that level cannot be periodic (STATUS_NOT_SUPPORTED). Up to DISPATCH_LEVEL.
NTSTATUS WdfTimerCreate(PWDF_TIMER_CONFIG Config, PWDF_OBJECT_ATTRIBUTES Attributes, WDFTIMER *Timer);
/// Sets it to a due time in units of 100 ns (WDF_REL_TIMEOUT_IN_MS and others). TRUE if it was set already. Up to
/// DISPATCH_LEVEL.
BOOLEAN WdfTimerStart(WDFTIMER Timer, LONGLONG DueTime);
/// TRUE if it was set and no longer is. With Wait also waits for a callback that runs, at PASSIVE_LEVEL.
BOOLEAN WdfTimerStop(WDFTIMER Timer, BOOLEAN Wait);
/// Any level.
WDFOBJECT WdfTimerGetParentObject(WDFTIMER Timer);

ISW_END_C

#endif
