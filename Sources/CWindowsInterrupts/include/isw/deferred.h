// Windows interfaces, floor 5: deferred work, what an ISR leaves for later. Drivers queue DPCs on any thread at any
// level, and work items up to DISPATCH_LEVEL. A DPC runs at DISPATCH_LEVEL on the deferred queue `dpc`, a threaded one
// at PASSIVE_LEVEL on `threaded dpc`, and a work item at PASSIVE_LEVEL on a thread `work item`: all without the
// interrupt lock.
#ifndef ISW_DEFERRED_H
#define ISW_DEFERRED_H

#include "types.h"

// DPCs (D1 to D4). One thread runs all of them, one after the other, in the order in which they were queued; another
// runs the threaded ones.

struct _KDPC;
struct _DEVICE_OBJECT;
struct _IRP;

typedef VOID KDEFERRED_ROUTINE(struct _KDPC *Dpc, PVOID DeferredContext, PVOID SystemArgument1, PVOID SystemArgument2);
typedef KDEFERRED_ROUTINE *PKDEFERRED_ROUTINE;
typedef VOID IO_DPC_ROUTINE(struct _KDPC *Dpc, struct _DEVICE_OBJECT *DeviceObject, struct _IRP *Irp, PVOID Context);
typedef IO_DPC_ROUTINE *PIO_DPC_ROUTINE;

typedef enum _KDPC_IMPORTANCE { LowImportance, MediumImportance, HighImportance, MediumHighImportance } KDPC_IMPORTANCE;

/// In the driver's memory. The fields belong to the system.
typedef struct _KDPC {
  PVOID Routine;
  PVOID Context;
  PVOID Queued;
  UCHAR Importance;
  UCHAR Kind;
} KDPC, *PKDPC, *PRKDPC;

ISW_BEGIN_C

/// Prepares a DPC. A DPC that is queued at the same address leaves the queue. The first call in a process starts the
/// thread and needs PASSIVE_LEVEL; later calls any level.
VOID KeInitializeDpc(PKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
/// The same, for a routine that runs at PASSIVE_LEVEL, on the thread of the threaded DPCs (D14).
VOID KeInitializeThreadedDpc(PKDPC Dpc, PKDEFERRED_ROUTINE DeferredRoutine, PVOID DeferredContext);
/// TRUE if this call queued it, FALSE if it was queued already; the earlier arguments stay (D1). Any level.
BOOLEAN KeInsertQueueDpc(PKDPC Dpc, PVOID SystemArgument1, PVOID SystemArgument2);
/// TRUE if it was queued and no longer is. Does not wait for a routine that runs (D3). Any level.
BOOLEAN KeRemoveQueueDpc(PKDPC Dpc);
/// Waits until all DPCs that were queued before the call have run (D3). PASSIVE_LEVEL.
VOID KeFlushQueuedDpcs(VOID);
/// Stored; has no effect.
VOID KeSetImportanceDpc(PKDPC Dpc, KDPC_IMPORTANCE Importance);

/// Prepares the device object's own DPC. PASSIVE_LEVEL.
VOID IoInitializeDpcRequest(struct _DEVICE_OBJECT *DeviceObject, PIO_DPC_ROUTINE DpcRoutine);
/// Queues the device object's own DPC. Any level.
VOID IoRequestDpc(struct _DEVICE_OBJECT *DeviceObject, struct _IRP *Irp, PVOID Context);

ISW_END_C

// Work items (D12). All share the worker threads.

struct _DEVICE_OBJECT;

typedef enum _WORK_QUEUE_TYPE {
  CriticalWorkQueue,
  DelayedWorkQueue,
  HyperCriticalWorkQueue,
  NormalWorkQueue,
  BackgroundWorkQueue,
  RealTimeWorkQueue,
  SuperCriticalWorkQueue,
  MaximumWorkQueue,
  CustomPriorityWorkQueue = 32
} WORK_QUEUE_TYPE;

typedef VOID WORKER_THREAD_ROUTINE(PVOID Parameter);
typedef WORKER_THREAD_ROUTINE *PWORKER_THREAD_ROUTINE;

/// In the driver's memory, which the routine may free. The fields belong to the system.
typedef struct _WORK_QUEUE_ITEM {
  LIST_ENTRY List;
  PWORKER_THREAD_ROUTINE WorkerRoutine;
  PVOID Parameter;
} WORK_QUEUE_ITEM, *PWORK_QUEUE_ITEM;

/// The timer of a device object.
typedef struct _IO_TIMER IO_TIMER, *PIO_TIMER;

/// Called once a second, at DISPATCH_LEVEL on the deferred queue's thread. It must not call IoStopTimer.
typedef VOID IO_TIMER_ROUTINE(struct _DEVICE_OBJECT *DeviceObject, PVOID Context);
typedef IO_TIMER_ROUTINE *PIO_TIMER_ROUTINE;

ISW_BEGIN_C

/// Gives the device object a timer, which is stopped; again: changes routine and context. PASSIVE_LEVEL.
///
/// STATUS_INSUFFICIENT_RESOURCES, STATUS_INVALID_PARAMETER (no device or routine), STATUS_INVALID_DEVICE_STATE (level).
NTSTATUS IoInitializeTimer(struct _DEVICE_OBJECT *DeviceObject, PIO_TIMER_ROUTINE TimerRoutine, PVOID Context);
/// Calls the routine after a second and then once a second, until IoStopTimer; no effect on a timer that is started. Up
/// to DISPATCH_LEVEL; without IoInitializeTimer, or above that level, reported.
VOID IoStartTimer(struct _DEVICE_OBJECT *DeviceObject);
/// Stops the timer, and waits for a running routine: when it returns, the routine does not run and will not. Up to
/// DISPATCH_LEVEL; inside the routine it is reported and does not wait.
VOID IoStopTimer(struct _DEVICE_OBJECT *DeviceObject);

ISW_END_C

typedef struct _IO_WORKITEM IO_WORKITEM, *PIO_WORKITEM;

typedef VOID IO_WORKITEM_ROUTINE(struct _DEVICE_OBJECT *DeviceObject, PVOID Context);
typedef IO_WORKITEM_ROUTINE *PIO_WORKITEM_ROUTINE;
typedef VOID IO_WORKITEM_ROUTINE_EX(PVOID IoObject, PVOID Context, PIO_WORKITEM IoWorkItem);
typedef IO_WORKITEM_ROUTINE_EX *PIO_WORKITEM_ROUTINE_EX;

ISW_BEGIN_C

/// Makes an item for the device's routines; NULL without memory. End it with IoFreeWorkItem. Up to DISPATCH_LEVEL.
PIO_WORKITEM IoAllocateWorkItem(struct _DEVICE_OBJECT *DeviceObject);
/// Ends an item; its own routine may call this. A queued item is reported and stays. Up to DISPATCH_LEVEL.
VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem);

/// The bytes that IoInitializeWorkItem needs, aligned like a pointer. Any level.
ULONG IoSizeofWorkItem(VOID);
/// Makes an item in the driver's own memory. End it with IoUninitializeWorkItem. `IoObject`: the device or driver. Any
/// level.
VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem);
/// Returns the memory to the driver. A queued item is reported. Any level.
VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem);

/// Queues the item; a worker thread then calls `WorkerRoutine(device, Context)`. An item that is queued already is
/// reported and keeps its place; once its routine has started it may be queued again. The device object must live until
/// the routine ends. Up to DISPATCH_LEVEL; above that level the call is reported and does nothing.
VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                     PVOID Context);
/// The same, with the item as the routine's third argument.
VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                       PVOID Context);
/// The same, but returns FALSE, without a report, if the item is queued already.
BOOLEAN IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                           PVOID Context);

/// Queues an item that ExInitializeWorkItem prepared, under the same rules. Up to DISPATCH_LEVEL.
VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType);

ISW_END_C

/// Prepares an item that is not queued. Any level.
ISW_INLINE VOID ExInitializeWorkItem(PWORK_QUEUE_ITEM Item, PWORKER_THREAD_ROUTINE Routine, PVOID Context) {
  Item->WorkerRoutine = Routine;
  Item->Parameter = Context;
  Item->List.Flink = NULL;
}

#endif
