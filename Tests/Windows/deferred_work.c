// Timers, work items and threaded DPCs (D11, D12, D14). Compiled as C and as C++.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "wdm.h"

#include "check.h"

#include <stdlib.h>

static LARGE_INTEGER units(LONGLONG n) {
  LARGE_INTEGER t;
  t.QuadPart = n;
  return t;
}

// An hour: does not come.
static LARGE_INTEGER never(void) { return units(-36000000000ll); }
static LARGE_INTEGER soon(void) { return units(-10000); }

// 20 seconds at most, so that a failure ends.
static NTSTATUS wait_long(PVOID object) {
  LARGE_INTEGER t = units(-200000000);
  return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

static NTSTATUS look(PVOID object) {
  LARGE_INTEGER t = units(0);
  return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

typedef struct call {
  KEVENT ran, go;
  LONG calls;
  KIRQL level, leave_at;
  pthread_t thread;
  PVOID context, extra;
} call;

static void prepare(call *c) {
  memset(c, 0, sizeof *c);
  KeInitializeEvent(&c->ran, SynchronizationEvent, FALSE);
  KeInitializeEvent(&c->go, SynchronizationEvent, FALSE);
}

static void note(call *c) {
  c->level = KeGetCurrentIrql();
  c->thread = pthread_self();
  InterlockedIncrement(&c->calls);
  KeSetEvent(&c->ran, 0, FALSE);
}

static void dpc_notes(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc, (void)first, (void)second;
  note((call *)context);
}

TEST(D11_a_timer_is_signalled_when_its_time_has_come) {
  KTIMER timer;
  KeInitializeTimer(&timer);
  CHECK(!KeReadStateTimer(&timer) && !KeCancelTimer(&timer));
  ULONGLONG start = KeQueryInterruptTime();
  CHECK(!KeSetTimer(&timer, units(-50000), NULL) && wait_long(&timer) == STATUS_SUCCESS);
  CHECK(KeQueryInterruptTime() - start >= 50000);
  CHECK(KeReadStateTimer(&timer) && look(&timer) == STATUS_SUCCESS && !KeCancelTimer(&timer));
  LARGE_INTEGER now;
  KeQuerySystemTime(&now);
  CHECK(!KeSetTimer(&timer, units(now.QuadPart + 50000), NULL) && wait_long(&timer) == STATUS_SUCCESS);
  LARGE_INTEGER after;
  KeQuerySystemTime(&after);
  CHECK(after.QuadPart - now.QuadPart >= 50000);
  CHECK(!KeSetTimer(&timer, never(), NULL) && !KeReadStateTimer(&timer) && KeCancelTimer(&timer));
  CHECK(!KeSetTimer(&timer, units(0), NULL) && KeReadStateTimer(&timer));
  CHECK(!KeSetTimer(&timer, units(1), NULL) && KeReadStateTimer(&timer) && reports == 0);
}

TEST(D11_a_synchronization_timer_releases_one_wait) {
  KTIMER timer;
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  KeSetTimer(&timer, soon(), NULL);
  CHECK(wait_long(&timer) == STATUS_SUCCESS && !KeReadStateTimer(&timer) && look(&timer) == STATUS_TIMEOUT);
  KeInitializeTimerEx(&timer, NotificationTimer);
  KeSetTimer(&timer, soon(), NULL);
  CHECK(wait_long(&timer) == STATUS_SUCCESS && look(&timer) == STATUS_SUCCESS && reports == 0);
}

TEST(D11_the_dpc_runs_at_expiry) {
  call c;
  KDPC dpc;
  KTIMER timer;
  prepare(&c);
  KeInitializeDpc(&dpc, dpc_notes, &c);
  KeInitializeTimer(&timer);
  KeSetTimer(&timer, soon(), &dpc);
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.level == DISPATCH_LEVEL && KeReadStateTimer(&timer));
  KeSetTimer(&timer, units(0), &dpc);
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.calls == 2 && reports == 0);
  KeFlushQueuedDpcs();
}

TEST(D11_setting_anew_voids_the_time_before) {
  call c;
  KDPC dpc;
  KTIMER timer;
  prepare(&c);
  KeInitializeDpc(&dpc, dpc_notes, &c);
  KeInitializeTimer(&timer);
  CHECK(!KeSetTimer(&timer, never(), &dpc) && KeSetTimer(&timer, soon(), &dpc));
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS);
  CHECK(!KeSetTimer(&timer, never(), &dpc) && KeSetTimer(&timer, never(), &dpc) && KeCancelTimer(&timer));
  // Others that come later have expired; this one has not.
  KTIMER later;
  KeInitializeTimer(&later);
  KeSetTimer(&timer, soon(), &dpc);
  BOOLEAN cancelled = KeCancelTimer(&timer);
  KeSetTimer(&later, units(-20000), NULL);
  CHECK(wait_long(&later) == STATUS_SUCCESS);
  KeFlushQueuedDpcs();
  CHECK(c.calls == (cancelled ? 1 : 2) && reports == 0);
}

// Set and cancelled over and over beside an expiry: each setting ends in exactly one of the two.
TEST(D11_each_setting_expires_or_is_cancelled) {
  call c;
  KDPC dpc;
  KTIMER timer;
  LONG cancelled = 0, expired = 0, rounds = 2000;
  prepare(&c);
  KeInitializeDpc(&dpc, dpc_notes, &c);
  KeInitializeTimer(&timer);
  for (LONG i = 0; i < rounds; i++) {
    KeSetTimer(&timer, units(-(i % 40) * 10), &dpc);
    KeStallExecutionProcessor((ULONG)i % 7);
    if (KeCancelTimer(&timer)) cancelled++;
    else expired++;
    KeFlushQueuedDpcs();
    if (c.calls != expired) break;
  }
  CHECK(cancelled + expired == rounds && c.calls == expired && reports == 0);
}

TEST(D11_timers_expire_in_the_order_of_their_times) {
  KTIMER timers[8];
  PVOID objects[8];
  KWAIT_BLOCK blocks[8];
  for (int i = 0; i < 8; i++) {
    KeInitializeTimer(&timers[i]);
    objects[i] = &timers[i];
  }
  LARGE_INTEGER now;
  KeQuerySystemTime(&now);
  // In another order than that of their times; when the last comes all the others have come.
  for (int i = 7; i >= 0; i--) KeSetTimer(&timers[i], units(now.QuadPart + 10000 * (i * 3 % 8 + 1)), NULL);
  CHECK(wait_long(&timers[5]) == STATUS_SUCCESS);
  LARGE_INTEGER t = units(0);
  CHECK(KeWaitForMultipleObjects(8, objects, WaitAll, Executive, KernelMode, FALSE, &t, blocks) == STATUS_SUCCESS);
}

TEST(D11_a_periodic_timer_goes_on) {
  call c;
  KDPC dpc;
  KTIMER timer;
  prepare(&c);
  KeInitializeDpc(&dpc, dpc_notes, &c);
  KeInitializeTimerEx(&timer, SynchronizationTimer);
  ULONGLONG start = KeQueryInterruptTime();
  CHECK(!KeSetTimerEx(&timer, soon(), 2, &dpc));
  for (int i = 0; i < 5; i++) CHECK(wait_long(&timer) == STATUS_SUCCESS);
  CHECK(KeQueryInterruptTime() - start >= 10000 + 4 * 20000 - 20000);
  while (InterlockedAdd(&c.calls, 0) < 5) CHECK(wait_long(&c.ran) == STATUS_SUCCESS);
  CHECK(KeCancelTimer(&timer) && !KeCancelTimer(&timer));
  KeFlushQueuedDpcs();
  LONG calls = c.calls;
  KTIMER later;
  KeInitializeTimer(&later);
  KeSetTimer(&later, units(-60000), NULL);
  CHECK(wait_long(&later) == STATUS_SUCCESS);
  KeFlushQueuedDpcs();
  CHECK(c.calls == calls && reports == 0);
}

TEST(D11_what_cannot_be_set) {
  KTIMER timer, none;
  KDPC dpc;
  KIRQL level;
  memset(&none, 0, sizeof none), memset(&dpc, 0, sizeof dpc);
  CHECK(!KeSetTimer(&none, never(), NULL) && reported("KeSetTimer", "D11"));
  CHECK(!KeCancelTimer(&none) && reported("KeCancelTimer", "D11"));
  KeInitializeTimer(&timer);
  CHECK(!KeSetTimer(&timer, never(), &dpc) && reported("KeSetTimer", "D1"));
  CHECK(!KeSetTimerEx(&timer, never(), -1, NULL) && reported("KeSetTimerEx", "D11"));
  KeRaiseIrql(5, &level);
  CHECK(!KeSetTimer(&timer, never(), NULL) && reported("KeSetTimer", "4.6"));
  CHECK(!KeCancelTimer(&timer) && reported("KeCancelTimer", "4.6"));
  KeLowerIrql(level);
  CHECK(!KeCancelTimer(&timer) && reports == 0);
}

TEST(D11_a_timer_that_is_set_ends_with_its_memory_or_its_dpcs) {
  PKTIMER timer = (PKTIMER)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *timer, 1);
  KeInitializeTimer(timer);
  KeSetTimer(timer, never(), NULL);
  ExFreePool(timer);
  CHECK(reported("KTIMER", "D11"));
  PDEVICE_OBJECT device = software_device(0);
  timer = (PKTIMER)device->DeviceExtension;
  KeInitializeTimer(timer);
  KeSetTimer(timer, never(), NULL);
  InterruptSyncDeleteDevice(device);
  CHECK(reported("KTIMER", "D11"));
  // A timer elsewhere, whose DPC ends.
  static KTIMER elsewhere;
  PKDPC dpc = (PKDPC)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *dpc, 1);
  KeInitializeDpc(dpc, dpc_notes, NULL);
  KeInitializeTimer(&elsewhere);
  KeSetTimer(&elsewhere, never(), dpc);
  ExFreePool(dpc);
  CHECK(reported("KTIMER", "D11") && !KeCancelTimer(&elsewhere));
  KTIMER again;
  KeInitializeTimer(&again);
  KeSetTimer(&again, never(), NULL);
  KeInitializeTimer(&again);
  CHECK(!KeCancelTimer(&again) && reports == 0);
}

static void work_notes(PDEVICE_OBJECT device, PVOID context) {
  call *c = (call *)context;
  KIRQL leave_at = c->leave_at, before;
  c->context = device;
  note(c);
  if (leave_at) KeRaiseIrql(leave_at, &before);
}

static void work_notes_and_waits(PVOID object, PVOID context, PIO_WORKITEM item) {
  call *c = (call *)context;
  c->context = object, c->extra = item;
  note(c);
  CHECK(wait_long(&c->go) == STATUS_SUCCESS);
}

TEST(D12_work_items_run_at_passive_level) {
  call c;
  PDEVICE_OBJECT device = software_device(0);
  PIO_WORKITEM item = IoAllocateWorkItem(device);
  prepare(&c);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  IoQueueWorkItem(item, work_notes, DelayedWorkQueue, &c);
  KeLowerIrql(level);
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.level == PASSIVE_LEVEL && c.context == device);
  CHECK(!pthread_equal(c.thread, pthread_self()));
  IoFreeWorkItem(item);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

static KDPC queueing_dpc;
static PIO_WORKITEM queued_item;
static void dpc_queues_work(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc, (void)first, (void)second;
  IoQueueWorkItem(queued_item, work_notes, CriticalWorkQueue, context);
}

TEST(D12_a_dpc_queues_a_work_item) {
  call c;
  PDEVICE_OBJECT device = software_device(0);
  queued_item = IoAllocateWorkItem(device);
  prepare(&c);
  KeInitializeDpc(&queueing_dpc, dpc_queues_work, &c);
  for (int i = 0; i < 50; i++) {
    KeInsertQueueDpc(&queueing_dpc, NULL, NULL);
    CHECK(wait_long(&c.ran) == STATUS_SUCCESS);
  }
  CHECK(c.calls == 50 && reports == 0);
  KeFlushQueuedDpcs();
  IoFreeWorkItem(queued_item);
  InterruptSyncDeleteDevice(device);
}

// More items than threads: those that wait hold all of them, so that the ones behind stay queued.
enum { BLOCKERS = 16 };
TEST(D12_an_item_is_queued_once_and_again_from_its_routine_on) {
  static call held[BLOCKERS];
  PIO_WORKITEM items[BLOCKERS], item = (PIO_WORKITEM)malloc(IoSizeofWorkItem());
  PDEVICE_OBJECT device = software_device(0);
  call c;
  prepare(&c);
  IoInitializeWorkItem(device, item);
  for (int i = 0; i < BLOCKERS; i++) {
    prepare(&held[i]);
    items[i] = IoAllocateWorkItem(device);
    IoQueueWorkItemEx(items[i], work_notes_and_waits, NormalWorkQueue, &held[i]);
    CHECK(wait_long(&held[i].ran) == STATUS_SUCCESS);
    CHECK(held[i].extra == items[i] && held[i].context == device);
  }
  IoQueueWorkItem(item, work_notes, BackgroundWorkQueue, &c);
  IoQueueWorkItem(item, work_notes, DelayedWorkQueue, &held[0]);
  CHECK(reported("IoQueueWorkItem", "D12"));
  IoQueueWorkItemEx(item, work_notes_and_waits, DelayedWorkQueue, &held[0]);
  CHECK(reported("IoQueueWorkItemEx", "D12"));
  CHECK(!IoTryQueueWorkItem(item, work_notes_and_waits, DelayedWorkQueue, &held[0]) && reports == 0);
  IoUninitializeWorkItem(item);
  CHECK(reported("IoUninitializeWorkItem", "D12"));
  IoFreeWorkItem(item);
  CHECK(reported("IoFreeWorkItem", "D12") && c.calls == 0);
  // The first one runs: it may be queued again, and is, behind all.
  CHECK(IoTryQueueWorkItem(items[0], work_notes_and_waits, HyperCriticalWorkQueue, &held[0]));
  for (int i = 0; i < BLOCKERS; i++) KeSetEvent(&held[i].go, 0, FALSE);
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.calls == 1);
  CHECK(wait_long(&held[0].ran) == STATUS_SUCCESS && held[0].calls == 2);
  KeSetEvent(&held[0].go, 0, FALSE);
  for (int i = 0; i < BLOCKERS; i++) IoFreeWorkItem(items[i]);
  IoUninitializeWorkItem(item);
  free(item);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

static void work_frees_itself(PVOID object, PVOID context, PIO_WORKITEM item) {
  (void)object;
  IoFreeWorkItem(item);
  note((call *)context);
}

TEST(D12_a_routine_may_free_its_item) {
  call c;
  PDEVICE_OBJECT device = software_device(0);
  prepare(&c);
  for (int i = 0; i < 100; i++) {
    IoQueueWorkItemEx(IoAllocateWorkItem(device), work_frees_itself, CustomPriorityWorkQueue, &c);
    CHECK(wait_long(&c.ran) == STATUS_SUCCESS);
  }
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

// Each waits for the one that was queued after it.
static KEVENT links[9];
static VOID wait_for_the_next(PVOID place) {
  LONG_PTR i = (LONG_PTR)place;
  if (i < 8) CHECK(wait_long(&links[i + 1]) == STATUS_SUCCESS);
  KeSetEvent(&links[i], 0, FALSE);
}

TEST(D12_an_item_may_wait_for_a_later_one) {
  static WORK_QUEUE_ITEM items[9];
  for (int i = 0; i < 9; i++) {
    KeInitializeEvent(&links[i], NotificationEvent, FALSE);
    ExInitializeWorkItem(&items[i], wait_for_the_next, (PVOID)(LONG_PTR)i);
  }
  for (int i = 0; i < 9; i++) ExQueueWorkItem(&items[i], i % 2 ? DelayedWorkQueue : CriticalWorkQueue);
  CHECK(wait_long(&links[0]) == STATUS_SUCCESS && reports == 0);
}

static VOID ex_notes(PVOID context) { note((call *)context); }

TEST(D12_levels_of_work_items) {
  call c;
  KIRQL level;
  WORK_QUEUE_ITEM item;
  PDEVICE_OBJECT device = software_device(0);
  PIO_WORKITEM io = IoAllocateWorkItem(device);
  prepare(&c);
  ExInitializeWorkItem(&item, ex_notes, &c);
  KeRaiseIrql(5, &level);
  ExQueueWorkItem(&item, RealTimeWorkQueue);
  CHECK(reported("ExQueueWorkItem", "4.6"));
  IoQueueWorkItem(io, work_notes, DelayedWorkQueue, &c);
  CHECK(reported("IoQueueWorkItem", "4.6"));
  CHECK(!IoTryQueueWorkItem(io, work_frees_itself, DelayedWorkQueue, &c) && reported("IoTryQueueWorkItem", "4.6"));
  CHECK(!IoAllocateWorkItem(device) && reported("IoAllocateWorkItem", "4.6"));
  IoFreeWorkItem(io);
  CHECK(reported("IoFreeWorkItem", "4.6"));
  KeLowerIrql(level);
  CHECK(c.calls == 0);
  ExQueueWorkItem(&item, SuperCriticalWorkQueue);
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.level == PASSIVE_LEVEL && reports == 0);
  IoFreeWorkItem(io);
  InterruptSyncDeleteDevice(device);
}

static KEVENT report_event;
static void report_sets_event(PVOID context, PCSTR call, PCSTR rule, PCSTR message) {
  report_came(context, call, rule, message);
  KIRQL level = KeGetCurrentIrql();
  // The report comes at the level that the routine left.
  if (level > DISPATCH_LEVEL) KeLowerIrql(DISPATCH_LEVEL);
  KeSetEvent(&report_event, 0, FALSE);
}

TEST(D5_a_work_item_that_leaves_at_another_level_is_reported) {
  call c;
  PDEVICE_OBJECT device = software_device(0);
  PIO_WORKITEM item = IoAllocateWorkItem(device);
  KeInitializeEvent(&report_event, SynchronizationEvent, FALSE);
  prepare(&c);
  c.leave_at = DISPATCH_LEVEL;
  InterruptSyncSetReportRoutine(report_sets_event, NULL);
  IoQueueWorkItem(item, work_notes, DelayedWorkQueue, &c);
  CHECK(wait_long(&report_event) == STATUS_SUCCESS && reported("WORKER_THREAD_ROUTINE", "D5"));
  InterruptSyncSetReportRoutine(report_came, NULL);
  IoFreeWorkItem(item);
  InterruptSyncDeleteDevice(device);
}

static void threaded_dpc_waits(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc;
  call *c = (call *)context;
  c->context = first, c->extra = second;
  note(c);
  CHECK(wait_long(&c->go) == STATUS_SUCCESS);
  KeFlushQueuedDpcs();
}

TEST(D14_threaded_dpcs_run_at_passive_level) {
  call c;
  KDPC dpc, ordinary;
  prepare(&c);
  KeInitializeThreadedDpc(&dpc, threaded_dpc_waits, &c);
  CHECK(KeInsertQueueDpc(&dpc, &c, &dpc));
  CHECK(wait_long(&c.ran) == STATUS_SUCCESS && c.level == PASSIVE_LEVEL && c.context == &c && c.extra == &dpc);
  // An ordinary one does not wait for it.
  call other;
  prepare(&other);
  KeInitializeDpc(&ordinary, dpc_notes, &other);
  CHECK(KeInsertQueueDpc(&ordinary, NULL, NULL) && wait_long(&other.ran) == STATUS_SUCCESS);
  CHECK(!pthread_equal(c.thread, other.thread) && reports == 0);
  KeSetEvent(&c.go, 0, FALSE);
  KeFlushQueuedDpcs();
  CHECK(reported("KeFlushQueuedDpcs", "D14") && c.calls == 1);
}
