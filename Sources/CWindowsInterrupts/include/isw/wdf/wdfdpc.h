// DPC objects: KDPCs with a parent and, if asked for, the parent device's callback lock (W14).
#ifndef ISW_WDFDPC_H
#define ISW_WDFDPC_H

#include "wdfobject.h"

#include "../dpc.h"

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

#endif
