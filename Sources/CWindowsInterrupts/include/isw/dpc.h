// Deferred procedure calls: what an ISR leaves for later, run at DISPATCH_LEVEL without the interrupt lock (D1 to D4).
// All DPCs run one after the other on one thread, in the order in which they were queued; threaded ones on another.
#ifndef ISW_DPC_H
#define ISW_DPC_H

#include "types.h"

struct _KDPC;
struct _DEVICE_OBJECT;
struct _IRP;

typedef VOID KDEFERRED_ROUTINE(struct _KDPC *Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;
typedef VOID IO_DPC_ROUTINE(struct _KDPC *Dpc, struct _DEVICE_OBJECT *DeviceObject, struct _IRP *Irp, PVOID Context);
typedef IO_DPC_ROUTINE *PIO_DPC_ROUTINE;

typedef enum _KDPC_IMPORTANCE { LowImportance, MediumImportance, HighImportance, MediumHighImportance } KDPC_IMPORTANCE;

/// In the driver's memory; its fields are the system's.
typedef struct _KDPC {
  PVOID Routine;
  PVOID Context;
  PVOID Queued;
  UCHAR Importance;
  UCHAR Kind;
} KDPC, *PKDPC, *PRKDPC;

ISW_BEGIN_C

/// Prepares a DPC; one that was queued with the same address is taken back. PASSIVE_LEVEL the first time in a
/// process, which starts the thread; any level after.
VOID KeInitializeDpc(PKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
/// The same, for a routine that runs at PASSIVE_LEVEL, on a thread of the threaded DPCs (D14).
VOID KeInitializeThreadedDpc(PKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
/// TRUE when queued now, FALSE when it was queued already; the earlier arguments stay (D1). Any level.
BOOLEAN KeInsertQueueDpc(PKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);
/// TRUE when it was queued and is no more; does not wait for one that runs (D3). Any level.
BOOLEAN KeRemoveQueueDpc(PKDPC Dpc);
/// Waits for the DPCs queued before the call (D3). PASSIVE_LEVEL.
VOID KeFlushQueuedDpcs(VOID);
/// Kept, without an effect.
VOID KeSetImportanceDpc(PKDPC Dpc, KDPC_IMPORTANCE Importance);

/// Prepares the device object's own DPC. PASSIVE_LEVEL.
VOID IoInitializeDpcRequest(struct _DEVICE_OBJECT *DeviceObject, PIO_DPC_ROUTINE DpcRoutine);
/// Queues the device object's own DPC. Any level.
VOID IoRequestDpc(struct _DEVICE_OBJECT *DeviceObject, struct _IRP *Irp, PVOID Context);

ISW_END_C

#endif
