// Floor 5, room Kernel. Work items (D12): lists in the items' own memory, which all threads `work item` serve. Drivers
// and the framework's PassiveRoutine queue them, on any thread up to DISPATCH_LEVEL; those threads run the routines, at
// PASSIVE_LEVEL and without a lock. A thread that takes an item makes sure that another is free for the next one, so
// that an item may wait for a later one. The objects' lock guards the lists.
#include "dispatcher_objects.h"

#include "linux_thread.h"

#include <stdlib.h>

enum { CRITICAL, NORMAL, BACKGROUND, LISTS, THREADS = 16 };

static LIST_ENTRY lists[LISTS] = {{&lists[CRITICAL], &lists[CRITICAL]},
                                  {&lists[NORMAL], &lists[NORMAL]},
                                  {&lists[BACKGROUND], &lists[BACKGROUND]}};
// All threads, and those that run nothing. The objects' lock guards them, as it guards the lists.
static ULONG threads, idle;
// Its count is the number of items in the lists.
static KSEMAPHORE queued = {.Header = {.Type = ISW_SEMAPHORE,
                                       .WaitListHead = {&queued.Header.WaitListHead, &queued.Header.WaitListHead}},
                            .Limit = MAXLONG};

// Its WORK_QUEUE_ITEM has no routine, which tells it from a plain one.
struct _IO_WORKITEM {
  WORK_QUEUE_ITEM item;
  PVOID object;
  PIO_WORKITEM_ROUTINE routine;
  PIO_WORKITEM_ROUTINE_EX extended;
  PVOID context;
};

static int list_for(WORK_QUEUE_TYPE type) {
  switch (type) {
    case CriticalWorkQueue:
    case HyperCriticalWorkQueue:
    case RealTimeWorkQueue:
    case SuperCriticalWorkQueue: return CRITICAL;
    case BackgroundWorkQueue: return BACKGROUND;
    default: return NORMAL;
  }
}

// A copy of an item from the time it left its list. From then on it may be queued again, with other values, or be
// freed.
typedef struct {
  PWORK_QUEUE_ITEM place;
  struct _IO_WORKITEM item;
} job;

static void *run(void *unused);

// With the lock held.
static bool start_thread(void) {
  pthread_t thread;
  if (linux_thread_create(&thread, 0, run, NULL) != 0) return false;
  linux_thread_set_name(thread, "work item");
  linux_thread_detach(thread);
  threads++, idle++;
  return true;
}

static job next(void) {
  KeWaitForSingleObject(&queued, Executive, KernelMode, FALSE, NULL);
  isw_objects_lock();
  int list = CRITICAL;
  while (IsListEmpty(&lists[list])) list++;
  PWORK_QUEUE_ITEM item = CONTAINING_RECORD(RemoveHeadList(&lists[list]), WORK_QUEUE_ITEM, List);
  item->List.Flink = NULL;
  job taken = {.place = item, .item.item = *item};
  if (!item->WorkerRoutine) taken.item = *(PIO_WORKITEM)(void *)item;
  // If the system refuses a thread, the items wait for this one.
  if (--idle == 0 && threads < THREADS) start_thread();
  isw_objects_unlock();
  return taken;
}

static void *run(void *unused) {
  while (true) {
    job job = next();
    struct _IO_WORKITEM *copy = &job.item;
    if (copy->item.WorkerRoutine) copy->item.WorkerRoutine(copy->item.Parameter);
    else if (copy->extended) copy->extended(copy->object, copy->context, (PIO_WORKITEM)(void *)job.place);
    else copy->routine(copy->object, copy->context);
    isw_check_level("WORKER_THREAD_ROUTINE", PASSIVE_LEVEL);
    cuio_thread_set_level(PASSIVE_LEVEL);
    isw_objects_lock();
    idle++;
    isw_objects_unlock();
  }
  return unused;
}

typedef enum { QUEUED, ALREADY, NO_THREAD, WRONG_LEVEL } outcome;

// With the lock held.
static outcome enqueue(PWORK_QUEUE_ITEM item, WORK_QUEUE_TYPE type) {
  if (item->List.Flink) return ALREADY;
  if (threads == 0 && !start_thread()) return NO_THREAD;
  InsertTailList(&lists[list_for(type)], &item->List);
  queued.Header.SignalState++;
  isw_object_wake(&queued.Header);
  return QUEUED;
}

static void report(PCSTR call, outcome outcome) {
  if (outcome == ALREADY)
    InterruptSyncReportViolation(call, "D12", "the item is queued already; it runs once, as it was queued first");
  if (outcome == NO_THREAD)
    InterruptSyncReportViolation(call, "N16", "cannot create a thread for work items; the item is not queued");
}

VOID ExQueueWorkItem(PWORK_QUEUE_ITEM WorkItem, WORK_QUEUE_TYPE QueueType) {
  if (!isw_require_irql("ExQueueWorkItem", DISPATCH_LEVEL)) return;
  isw_objects_lock();
  outcome outcome = enqueue(WorkItem, QueueType);
  isw_objects_unlock();
  report("ExQueueWorkItem", outcome);
}

static outcome queue_item(PCSTR call, PIO_WORKITEM item, PIO_WORKITEM_ROUTINE routine, PIO_WORKITEM_ROUTINE_EX extended,
                          WORK_QUEUE_TYPE type, PVOID context) {
  if (!isw_require_irql(call, DISPATCH_LEVEL)) return WRONG_LEVEL;
  isw_objects_lock();
  outcome outcome = enqueue(&item->item, type);
  if (outcome == QUEUED) {
    item->routine = routine;
    item->extended = extended;
    item->context = context;
  }
  isw_objects_unlock();
  return outcome;
}

VOID IoQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                     PVOID Context) {
  report("IoQueueWorkItem",
         queue_item("IoQueueWorkItem", IoWorkItem, WorkerRoutine, NULL, QueueType, Context));
}

VOID IoQueueWorkItemEx(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                       PVOID Context) {
  report("IoQueueWorkItemEx",
         queue_item("IoQueueWorkItemEx", IoWorkItem, NULL, WorkerRoutine, QueueType, Context));
}

BOOLEAN IoTryQueueWorkItem(PIO_WORKITEM IoWorkItem, PIO_WORKITEM_ROUTINE_EX WorkerRoutine, WORK_QUEUE_TYPE QueueType,
                           PVOID Context) {
  outcome outcome = queue_item("IoTryQueueWorkItem", IoWorkItem, NULL, WorkerRoutine, QueueType, Context);
  if (outcome == NO_THREAD) report("IoTryQueueWorkItem", outcome);
  return outcome == QUEUED;
}

ULONG IoSizeofWorkItem(VOID) { return sizeof(struct _IO_WORKITEM); }

VOID IoInitializeWorkItem(PVOID IoObject, PIO_WORKITEM IoWorkItem) {
  *IoWorkItem = (struct _IO_WORKITEM){.object = IoObject};
}

PIO_WORKITEM IoAllocateWorkItem(struct _DEVICE_OBJECT *DeviceObject) {
  if (!isw_require_irql("IoAllocateWorkItem", DISPATCH_LEVEL)) return NULL;
  PIO_WORKITEM item = malloc(sizeof *item);
  if (item) IoInitializeWorkItem(DeviceObject, item);
  return item;
}

// Whether the item can end; reports one that cannot.
static bool may_end(PCSTR call, PIO_WORKITEM item) {
  isw_objects_lock();
  bool is_queued = item->item.List.Flink != NULL;
  isw_objects_unlock();
  if (is_queued) InterruptSyncReportViolation(call, "D12", "the item is queued; free it after its routine has begun");
  return !is_queued;
}

VOID IoUninitializeWorkItem(PIO_WORKITEM IoWorkItem) { may_end("IoUninitializeWorkItem", IoWorkItem); }

VOID IoFreeWorkItem(PIO_WORKITEM IoWorkItem) {
  if (isw_require_irql("IoFreeWorkItem", DISPATCH_LEVEL) && may_end("IoFreeWorkItem", IoWorkItem)) free(IoWorkItem);
}
