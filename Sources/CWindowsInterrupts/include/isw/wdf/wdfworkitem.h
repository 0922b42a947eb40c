// Work items: what needs PASSIVE_LEVEL, run on a thread of the framework's.
#ifndef ISW_WDFWORKITEM_H
#define ISW_WDFWORKITEM_H

#include "wdfobject.h"

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

#endif
