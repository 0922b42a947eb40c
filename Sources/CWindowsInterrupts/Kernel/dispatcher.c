// Floor 5, room Kernel: waiting for dispatcher objects. Drivers and the threads `work item` wait, up to APC_LEVEL;
// dispatcher_objects.c, timer.c and work_item.c signal. A waiting thread puts a block into the list of each object. All
// its blocks point to a waiter on its stack, and it sleeps on the waiter's word, without a lock. The thread that
// signals an object also takes the object for the waiter, so that nothing is lost between the signal and the wake-up.
// The objects' lock, which is here, guards the state of all objects; no routine of the driver runs inside it.
#include "dispatcher_objects.h"

#include "cuio_lock.h"

#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef struct waiter {
  uint32_t done;
  // The waiter that was released after it.
  struct waiter *next;
  // The thread that a mutex will belong to.
  ULONG thread;
  ULONG count;
  WAIT_TYPE type;
  NTSTATUS status;
  PKWAIT_BLOCK blocks;
} waiter;

static cuio_lock lock;

void isw_objects_lock(void) { cuio_lock_acquire(&lock); }
void isw_objects_unlock(void) { cuio_lock_release(&lock); }

void isw_object_initialize(DISPATCHER_HEADER *header, UCHAR type, LONG state) {
  header->Type = type;
  header->SignalState = state;
  InitializeListHead(&header->WaitListHead);
}

bool isw_object_is(const DISPATCHER_HEADER *header, unsigned types, PCSTR call, PCSTR rule) {
  if (header && header->Type <= ISW_SYNCHRONIZATION_TIMER && (types >> header->Type & 1)) return true;
  InterruptSyncReportViolation(call, rule,
                               !header              ? "the object is NULL"
                               : header->Type == 0 ? "the object has not been initialised"
                                                    : "the object is of another kind, or its memory was overwritten");
  return false;
}

bool isw_object_may_change(const DISPATCHER_HEADER *header, unsigned types, PCSTR call, PCSTR rule, BOOLEAN wait) {
  return isw_object_is(header, types, call, rule) && isw_require_irql(call, wait ? APC_LEVEL : DISPATCH_LEVEL);
}

LONG isw_object_state(const DISPATCHER_HEADER *header) {
  return __atomic_load_n(&header->SignalState, __ATOMIC_ACQUIRE);
}

static bool available(const DISPATCHER_HEADER *header, ULONG thread) {
  if (header->SignalState > 0) return true;
  return header->Type == ISW_MUTEX && ((const KMUTEX *)header)->OwnerThread == thread;
}

static void take(DISPATCHER_HEADER *header, ULONG thread) {
  switch (header->Type) {
    case ISW_SYNCHRONIZATION_EVENT:
    case ISW_SYNCHRONIZATION_TIMER: header->SignalState = 0; break;
    case ISW_SEMAPHORE: header->SignalState--; break;
    case ISW_MUTEX:
      header->SignalState--;
      ((KMUTEX *)header)->OwnerThread = thread;
      break;
    default: break;
  }
}

// Takes the objects of the wait, if they are available. Returns a key, or -1.
static int take_any(const waiter *w) {
  for (ULONG i = 0; i < w->count; i++) {
    DISPATCHER_HEADER *header = w->blocks[i].Object;
    if (!available(header, w->thread)) continue;
    take(header, w->thread);
    return (int)i;
  }
  return -1;
}

static int take_all(const waiter *w) {
  for (ULONG i = 0; i < w->count; i++)
    if (!available(w->blocks[i].Object, w->thread)) return -1;
  for (ULONG i = 0; i < w->count; i++) take(w->blocks[i].Object, w->thread);
  return 0;
}

static int try_take(const waiter *w) { return w->type == WaitAny ? take_any(w) : take_all(w); }

static void enter_lists(waiter *w) {
  for (ULONG i = 0; i < w->count; i++) {
    DISPATCHER_HEADER *header = w->blocks[i].Object;
    InsertTailList(&header->WaitListHead, &w->blocks[i].WaitListEntry);
  }
}

static void leave_lists(waiter *w) {
  for (ULONG i = 0; i < w->count; i++) RemoveEntryList(&w->blocks[i].WaitListEntry);
}

// Removes from all lists the first waiter whose objects are available, and returns it; NULL: there is none.
static waiter *release_one(DISPATCHER_HEADER *header) {
  for (PLIST_ENTRY e = header->WaitListHead.Flink; e != &header->WaitListHead; e = e->Flink) {
    waiter *w = CONTAINING_RECORD(e, KWAIT_BLOCK, WaitListEntry)->Waiter;
    int key = try_take(w);
    if (key < 0) continue;
    leave_lists(w);
    w->status = STATUS_WAIT_0 + key;
    return w;
  }
  return NULL;
}

void isw_object_wake(DISPATCHER_HEADER *header) {
  waiter *released = NULL, **last = &released;
  while (header->SignalState > 0 && (*last = release_one(header))) last = &(*last)->next;
  // A waiter that sees `done` may return, and its driver may free the object: from here on nothing reads the object. A
  // wake-up for a waiter that has returned has no effect.
  for (waiter *w = released, *next; w; w = next) {
    next = w->next;
    __atomic_store_n(&w->done, 1, __ATOMIC_RELEASE);
    syscall(SYS_futex, &w->done, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
  }
}

static isw_deadline deadline_of(PLARGE_INTEGER timeout) {
  isw_deadline deadline = {0};
  if (!timeout) return deadline;
  ULONGLONG due = isw_due_time(timeout->QuadPart, &deadline.clock);
  deadline.limited = true;
  deadline.until.tv_sec = (time_t)(due / 1000000000);
  deadline.until.tv_nsec = (long)(due % 1000000000);
  return deadline;
}

static NTSTATUS sleep_until_done(waiter *w, const isw_deadline *deadline) {
  bool is_system_time = deadline->limited && deadline->clock == CLOCK_REALTIME;
  int operation = FUTEX_WAIT_BITSET_PRIVATE | (is_system_time ? FUTEX_CLOCK_REALTIME : 0);
  while (!__atomic_load_n(&w->done, __ATOMIC_ACQUIRE)) {
    if (syscall(SYS_futex, &w->done, operation, 0, deadline->limited ? &deadline->until : NULL, NULL,
                FUTEX_BITSET_MATCH_ANY) == 0 ||
        errno != ETIMEDOUT)
      continue;
    isw_objects_lock();
    bool done = __atomic_load_n(&w->done, __ATOMIC_RELAXED);
    if (!done) leave_lists(w);
    isw_objects_unlock();
    return done ? w->status : STATUS_TIMEOUT;
  }
  return w->status;
}

// Whether the level allows this wait. Sets `*may_sleep` to false where the thread must not sleep.
static bool level_allows(PCSTR call, bool *may_sleep) {
  if (*may_sleep && KeGetCurrentIrql() >= DISPATCH_LEVEL) {
    char text[120];
    snprintf(text, sizeof text, "called at IRQL %u with a timeout that is not zero; it could wait there forever",
             KeGetCurrentIrql());
    InterruptSyncReportViolation(call, "D5", text);
    *may_sleep = false;
    return KeGetCurrentIrql() == DISPATCH_LEVEL;
  }
  return isw_require_irql(call, DISPATCH_LEVEL);
}

static NTSTATUS wait_for(PCSTR call, waiter *w, PVOID objects[], PLARGE_INTEGER timeout) {
  for (ULONG i = 0; i < w->count; i++) {
    if (!isw_object_is(objects[i], ISW_OBJECTS, call, "D9")) return STATUS_INVALID_PARAMETER;
    w->blocks[i] = (KWAIT_BLOCK){.Waiter = w, .Object = objects[i], .WaitKey = (USHORT)i};
  }
  bool may_sleep = !timeout || timeout->QuadPart != 0;
  if (!level_allows(call, &may_sleep)) return STATUS_TIMEOUT;
  isw_deadline deadline = deadline_of(timeout);
  w->thread = cuio_thread_id();
  isw_objects_lock();
  int key = try_take(w);
  if (key < 0 && may_sleep) enter_lists(w);
  isw_objects_unlock();
  if (key >= 0) return STATUS_WAIT_0 + key;
  return may_sleep ? sleep_until_done(w, &deadline) : STATUS_TIMEOUT;
}

NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout) {
  (void)WaitReason, (void)WaitMode, (void)Alertable;
  KWAIT_BLOCK block;
  waiter w = {.count = 1, .type = WaitAny, .blocks = &block};
  return wait_for("KeWaitForSingleObject", &w, &Object, Timeout);
}

NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray) {
  (void)WaitReason, (void)WaitMode, (void)Alertable;
  KWAIT_BLOCK own[THREAD_WAIT_OBJECTS];
  if (Count == 0 || Count > (WaitBlockArray ? MAXIMUM_WAIT_OBJECTS : THREAD_WAIT_OBJECTS)) {
    InterruptSyncReportViolation("KeWaitForMultipleObjects", "D9",
                                 "wait for 1 to 64 objects; more than 3 need a WaitBlockArray");
    return STATUS_INVALID_PARAMETER;
  }
  waiter w = {.count = Count, .type = WaitType, .blocks = WaitBlockArray ? WaitBlockArray : own};
  return wait_for("KeWaitForMultipleObjects", &w, Object, Timeout);
}

NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval) {
  (void)WaitMode, (void)Alertable;
  bool may_sleep = true;
  level_allows("KeDelayExecutionThread", &may_sleep);
  if (!may_sleep) return STATUS_INVALID_DEVICE_STATE;
  if (Interval->QuadPart == 0) sched_yield();
  isw_deadline deadline = deadline_of(Interval);
  while (clock_nanosleep(deadline.clock, TIMER_ABSTIME, &deadline.until, NULL) == EINTR) {}
  return STATUS_SUCCESS;
}
