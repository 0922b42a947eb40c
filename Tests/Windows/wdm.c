// WDM: levels, spin locks, DPCs, connecting, synchronizing. Compiled as C and as C++.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "wdm.h"

#include "check.h"

#include <time.h>

typedef struct source {
  PKINTERRUPT interrupt;
  PDEVICE_OBJECT device;
  KDPC dpc;
  sem_t served;
  LONG calls, inside, overlaps, shared;
  KIRQL level;
  BOOLEAN claims;
  PKINTERRUPT seen;
} source;

static BOOLEAN serve(PKINTERRUPT interrupt, PVOID context) {
  source *s = (source *)context;
  if (InterlockedIncrement(&s->inside) != 1) s->overlaps++;
  s->calls++;
  s->shared++;
  s->level = KeGetCurrentIrql();
  s->seen = interrupt;
  InterlockedDecrement(&s->inside);
  sem_post(&s->served);
  return s->claims;
}

static void begin(source *s, ULONG interrupts) {
  RtlZeroMemory(s, sizeof *s);
  s->device = software_device(interrupts);
  s->claims = TRUE;
  sem_init(&s->served, 0, 0);
}

static void end(source *s) {
  InterruptSyncDeleteDevice(s->device);
  sem_destroy(&s->served);
}

static IO_CONNECT_INTERRUPT_PARAMETERS fully_specified(source *s, ULONG index) {
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s->device, CmResourceTypeInterrupt, index);
  IO_CONNECT_INTERRUPT_PARAMETERS p;
  RtlZeroMemory(&p, sizeof p);
  p.Version = CONNECT_FULLY_SPECIFIED;
  p.FullySpecified.PhysicalDeviceObject = s->device;
  p.FullySpecified.InterruptObject = &s->interrupt;
  p.FullySpecified.ServiceRoutine = serve;
  p.FullySpecified.ServiceContext = s;
  p.FullySpecified.Vector = entry->u.Interrupt.Vector;
  p.FullySpecified.Irql = p.FullySpecified.SynchronizeIrql = (KIRQL)entry->u.Interrupt.Level;
  p.FullySpecified.ShareVector = entry->ShareDisposition == CmResourceShareShared;
  p.FullySpecified.InterruptMode = entry->Flags & CM_RESOURCE_INTERRUPT_LATCHED ? Latched : LevelSensitive;
  p.FullySpecified.ProcessorEnableMask = entry->u.Interrupt.Affinity;
  return p;
}

static void connect(source *s) {
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(s, 0);
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS && s->interrupt);
}

static void fire(source *s, ULONG index) {
  CHECK(InterruptSyncTriggerInterrupt(s->device, index) == STATUS_SUCCESS);
  sem_wait(&s->served);
}

TEST(D5_levels) {
  KIRQL before;
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
  KeRaiseIrql(HIGH_LEVEL, &before);
  CHECK(before == PASSIVE_LEVEL && KeGetCurrentIrql() == HIGH_LEVEL);
  KIRQL high;
  KeRaiseIrql(DISPATCH_LEVEL, &high);
  CHECK(high == HIGH_LEVEL && KeGetCurrentIrql() == HIGH_LEVEL && reported("KeRaiseIrql", "D5"));
  KeLowerIrql(before);
  KeLowerIrql(DISPATCH_LEVEL);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reported("KeLowerIrql", "D5"));
}

static KSPIN_LOCK counter_lock;
static LONG counter;

static void *count_up(void *unused) {
  for (int i = 0; i < 20000; i++) {
    KIRQL level;
    KeAcquireSpinLock(&counter_lock, &level);
    counter++;
    KeReleaseSpinLock(&counter_lock, level);
  }
  return unused;
}

TEST(spin_locks_exclude) {
  KeInitializeSpinLock(&counter_lock);
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, count_up, NULL);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  CHECK(counter == 40000 && reports == 0);
}

TEST(K23_K24_spin_lock_rules) {
  KSPIN_LOCK lock = 0;
  KIRQL level, inner;
  KeAcquireSpinLock(&lock, &level);
  CHECK(level == PASSIVE_LEVEL && KeGetCurrentIrql() == DISPATCH_LEVEL);
  CHECK(!KeTryToAcquireSpinLockAtDpcLevel(&lock) && reports == 0);
  KeAcquireSpinLock(&lock, &inner);
  CHECK(inner == DISPATCH_LEVEL && reported("KeAcquireSpinLock", "K24"));
  KeReleaseSpinLock(&lock, inner);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL && !KeTryToAcquireSpinLockAtDpcLevel(&lock));
  KeReleaseSpinLockFromDpcLevel(&lock);
  CHECK(KeTryToAcquireSpinLockAtDpcLevel(&lock));
  KeReleaseSpinLockFromDpcLevel(&lock);
  KeAcquireSpinLockAtDpcLevel(&lock);
  KeReleaseSpinLock(&lock, level);
  CHECK(reports == 0 && KeGetCurrentIrql() == PASSIVE_LEVEL);
  KeReleaseSpinLockFromDpcLevel(&lock);
  CHECK(reported("KeReleaseSpinLockFromDpcLevel", "K24"));
  KeAcquireSpinLockAtDpcLevel(&lock);
  CHECK(reported("KeAcquireSpinLockAtDpcLevel", "K24"));
  KeReleaseSpinLockFromDpcLevel(&lock);
  KLOCK_QUEUE_HANDLE handle;
  KeAcquireInStackQueuedSpinLock(&lock, &handle);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  KeReleaseInStackQueuedSpinLock(&handle);
  KeRaiseIrql(5, &level);
  KeAcquireSpinLock(&lock, &inner);
  CHECK(reported("KeAcquireSpinLock", "K23"));
  KeReleaseSpinLock(&lock, inner);
  KeLowerIrql(level);
}

static struct {
  sem_t ran, go;
  LONG runs;
  KIRQL level;
  PVOID context, first, second;
} dpc_seen;

static void dpc_ran(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc;
  dpc_seen.runs++;
  dpc_seen.level = KeGetCurrentIrql();
  dpc_seen.context = context, dpc_seen.first = first, dpc_seen.second = second;
  sem_post(&dpc_seen.ran);
}

static void dpc_waits(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc, (void)context, (void)first, (void)second;
  sem_post(&dpc_seen.ran);
  sem_wait(&dpc_seen.go);
}

TEST(D1_D3_dpcs) {
  memset(&dpc_seen, 0, sizeof dpc_seen);
  sem_init(&dpc_seen.ran, 0, 0);
  sem_init(&dpc_seen.go, 0, 0);
  KDPC dpc, blocker;
  int context, one, two;
  KeInitializeDpc(&dpc, dpc_ran, &context);
  KeInitializeDpc(&blocker, dpc_waits, NULL);
  KeSetImportanceDpc(&dpc, HighImportance);
  CHECK(KeInsertQueueDpc(&blocker, NULL, NULL));
  sem_wait(&dpc_seen.ran);
  CHECK(KeInsertQueueDpc(&dpc, &one, &two) && !KeInsertQueueDpc(&dpc, NULL, NULL));
  CHECK(KeRemoveQueueDpc(&dpc) && !KeRemoveQueueDpc(&dpc));
  CHECK(KeInsertQueueDpc(&dpc, &two, &one));
  sem_post(&dpc_seen.go);
  KeFlushQueuedDpcs();
  CHECK(dpc_seen.runs == 1 && dpc_seen.level == DISPATCH_LEVEL && dpc_seen.context == &context);
  CHECK(dpc_seen.first == &two && dpc_seen.second == &one && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  KeFlushQueuedDpcs();
  CHECK(reported("KeFlushQueuedDpcs", "4.6"));
  KeLowerIrql(level);
  KDPC none;
  RtlZeroMemory(&none, sizeof none);
  CHECK(!KeInsertQueueDpc(&none, NULL, NULL) && reported("KeInsertQueueDpc", "D1"));
}

// A wake-up is put off while the thread is at DIRQL; lowering the level is the end of that too.
TEST(D1_a_dpc_inserted_at_a_raised_dirql_runs_after_lowering) {
  memset(&dpc_seen, 0, sizeof dpc_seen);
  sem_init(&dpc_seen.ran, 0, 0);
  KDPC dpc;
  KIRQL level;
  KeInitializeDpc(&dpc, dpc_ran, NULL);
  KeFlushQueuedDpcs();
  KeRaiseIrql(5, &level);
  CHECK(KeInsertQueueDpc(&dpc, NULL, NULL));
  KeLowerIrql(level);
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 20;
  CHECK(sem_timedwait(&dpc_seen.ran, &deadline) == 0);
  KeFlushQueuedDpcs();
}

static void device_dpc_ran(PKDPC dpc, PDEVICE_OBJECT device, PIRP irp, PVOID context) {
  (void)irp;
  CHECK(dpc == &device->Dpc && context == device->DeviceExtension);
  sem_post(&dpc_seen.ran);
}

static BOOLEAN serve_with_dpc(PKINTERRUPT interrupt, PVOID context) {
  source *s = (source *)context;
  (void)interrupt;
  IoRequestDpc(s->device, NULL, s->device->DeviceExtension);
  return TRUE;
}

TEST(isr_requests_the_devices_dpc) {
  source s;
  begin(&s, 1);
  IoInitializeDpcRequest(s.device, device_dpc_ran);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.ServiceRoutine = serve_with_dpc;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  InterruptSyncTriggerInterrupt(s.device, 0);
  sem_wait(&dpc_seen.ran);
  IoDisconnectInterrupt(s.interrupt);
  KeFlushQueuedDpcs();
  end(&s);
}

TEST(pool_ends_what_lies_in_it) {
  struct block { KDPC dpc; KSPIN_LOCK lock; };
  for (int i = 0; i < 100; i++) {
    struct block *b = (struct block *)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof *b, 1);
    KeInitializeDpc(&b->dpc, dpc_ran, NULL);
    KeInitializeSpinLock(&b->lock);
    ExFreePool(b);
  }
  CHECK(reports == 0);
}

TEST(fully_specified_connects) {
  source s;
  begin(&s, 1);
  connect(&s);
  fire(&s, 0);
  CHECK(s.calls == 1 && s.seen == s.interrupt);
  CHECK(s.level == resource(s.device, CmResourceTypeInterrupt, 0)->u.Interrupt.Level);
  IO_DISCONNECT_INTERRUPT_PARAMETERS d;
  d.Version = CONNECT_FULLY_SPECIFIED;
  d.ConnectionContext.InterruptObject = s.interrupt;
  IoDisconnectInterruptEx(&d);
  CHECK(reports == 0);
  IoDisconnectInterruptEx(&d);
  CHECK(reported("IoDisconnectInterruptEx", "N14"));
  connect(&s);
  fire(&s, 0);
  IoDisconnectInterrupt(s.interrupt);
  CHECK(s.calls == 2);
  end(&s);
}

TEST(older_connect) {
  source s;
  begin(&s, 1);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(s.device, CmResourceTypeInterrupt, 0);
  KIRQL level = (KIRQL)entry->u.Interrupt.Level;
  CHECK(IoConnectInterrupt(&s.interrupt, serve, &s, NULL, entry->u.Interrupt.Vector, level, level, LevelSensitive,
                           TRUE, entry->u.Interrupt.Affinity, FALSE) == STATUS_SUCCESS);
  fire(&s, 0);
  IoDisconnectInterrupt(s.interrupt);
  CHECK(IoConnectInterrupt(&s.interrupt, serve, &s, NULL, 1, level, level, LevelSensitive, TRUE, 1, FALSE) ==
        STATUS_NOT_FOUND);
  CHECK(!s.interrupt && reports == 0);
  end(&s);
}

TEST(K15_connect_errors) {
  source s;
  begin(&s, 1);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.PhysicalDeviceObject = NULL;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER);
  p = fully_specified(&s, 0), p.FullySpecified.ServiceRoutine = NULL;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER);
  p = fully_specified(&s, 0), p.FullySpecified.InterruptObject = NULL;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER);
  p = fully_specified(&s, 0), p.FullySpecified.SynchronizeIrql--;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER);
  p = fully_specified(&s, 0), p.FullySpecified.ProcessorEnableMask = 0;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER_10);
  p = fully_specified(&s, 0), p.FullySpecified.Vector = 7;
  CHECK(IoConnectInterruptEx(&p) == STATUS_NOT_FOUND);
  p.Version = 9;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER_1 && reports == 0);
  p = fully_specified(&s, 0), p.FullySpecified.InterruptMode = Latched;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS && reported("IoConnectInterruptEx", "K28"));
  IoDisconnectInterrupt(s.interrupt);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  p = fully_specified(&s, 0);
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_DEVICE_STATE && reported("IoConnectInterruptEx", "4.6"));
  KeLowerIrql(level);
  end(&s);
}

TEST(K13_sharing) {
  source s, other;
  begin(&s, 1);
  begin(&other, 0);
  connect(&s);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.InterruptObject = &other.interrupt;
  p.FullySpecified.ServiceContext = &other;
  p.FullySpecified.ShareVector = FALSE;
  CHECK(IoConnectInterruptEx(&p) == STATUS_DEVICE_BUSY && !other.interrupt);
  forget_reports();
  p.FullySpecified.ShareVector = TRUE;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  fire(&s, 0);
  sem_wait(&other.served);
  IoDisconnectInterrupt(s.interrupt);
  InterruptSyncTriggerInterrupt(s.device, 0);
  sem_wait(&other.served);
  CHECK(s.calls == 1 && other.calls == 2 && reports == 0);
  IoDisconnectInterrupt(other.interrupt);
  end(&other);
  end(&s);
}

TEST(K14_line_based) {
  source s;
  begin(&s, 2);
  IO_CONNECT_INTERRUPT_PARAMETERS p;
  RtlZeroMemory(&p, sizeof p);
  p.Version = CONNECT_LINE_BASED;
  p.LineBased.PhysicalDeviceObject = s.device;
  p.LineBased.InterruptObject = &s.interrupt;
  p.LineBased.ServiceRoutine = serve;
  p.LineBased.ServiceContext = &s;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  fire(&s, 0);
  fire(&s, 1);
  ULONG a = resource(s.device, CmResourceTypeInterrupt, 0)->u.Interrupt.Level;
  ULONG b = resource(s.device, CmResourceTypeInterrupt, 1)->u.Interrupt.Level;
  CHECK(s.calls == 2 && s.level == (a > b ? a : b));
  IoDisconnectInterrupt(s.interrupt);
  end(&s);
  begin(&s, 0);
  p.LineBased.PhysicalDeviceObject = s.device;
  CHECK(IoConnectInterruptEx(&p) == STATUS_NOT_FOUND && reports == 0);
  end(&s);
}

static BOOLEAN serve_message(PKINTERRUPT interrupt, PVOID context, ULONG message) {
  (void)interrupt, (void)context, (void)message;
  return FALSE;
}

TEST(K10_message_based_falls_back) {
  source s;
  begin(&s, 1);
  IO_CONNECT_INTERRUPT_PARAMETERS p;
  RtlZeroMemory(&p, sizeof p);
  p.Version = CONNECT_MESSAGE_BASED;
  p.MessageBased.PhysicalDeviceObject = s.device;
  p.MessageBased.MessageServiceRoutine = serve_message;
  p.MessageBased.ServiceContext = &s;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER && reported("IoConnectInterruptEx", "S16"));
  p.MessageBased.ConnectionContext.InterruptObject = &s.interrupt;
  CHECK(IoConnectInterruptEx(&p) == STATUS_NOT_FOUND && p.Version == CONNECT_MESSAGE_BASED);
  p.MessageBased.FallBackServiceRoutine = serve;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS && p.Version == CONNECT_LINE_BASED);
  fire(&s, 0);
  IO_DISCONNECT_INTERRUPT_PARAMETERS d;
  d.Version = p.Version;
  d.ConnectionContext.InterruptObject = s.interrupt;
  IoDisconnectInterruptEx(&d);
  CHECK(s.calls == 1 && reports == 0);
  end(&s);
}

static BOOLEAN add(PVOID context) {
  source *s = (source *)context;
  if (InterlockedIncrement(&s->inside) != 1) s->overlaps++;
  s->shared++;
  InterlockedDecrement(&s->inside);
  return s->shared % 2 != 0;
}

static BOOLEAN read_level(PVOID context) { return (*(KIRQL *)context = KeGetCurrentIrql()) != 0; }

static void *synchronize_often(void *context) {
  source *s = (source *)context;
  for (int i = 0; i < 5000; i++) KeSynchronizeExecution(s->interrupt, add, s);
  return NULL;
}

static void *acquire_often(void *context) {
  source *s = (source *)context;
  for (int i = 0; i < 5000; i++) {
    KIRQL level = KeAcquireInterruptSpinLock(s->interrupt);
    add(s);
    KeReleaseInterruptSpinLock(s->interrupt, level);
  }
  return NULL;
}

TEST(K1_K25_exclusion) {
  source s;
  begin(&s, 1);
  connect(&s);
  pthread_t a, b;
  pthread_create(&a, NULL, synchronize_often, &s);
  pthread_create(&b, NULL, acquire_often, &s);
  for (int i = 0; i < 1000; i++) fire(&s, 0);
  pthread_join(a, NULL);
  pthread_join(b, NULL);
  CHECK(s.overlaps == 0 && s.shared == 11000 && reports == 0);
  s.shared = 0;
  CHECK(KeSynchronizeExecution(s.interrupt, add, &s) && !KeSynchronizeExecution(s.interrupt, add, &s));
  KIRQL level = 0;
  KeSynchronizeExecution(s.interrupt, read_level, &level);
  CHECK(level == s.level);
  KIRQL before = KeAcquireInterruptSpinLock(s.interrupt);
  CHECK(before == PASSIVE_LEVEL && KeGetCurrentIrql() == s.level && reports == 0);
  CHECK(!KeSynchronizeExecution(s.interrupt, add, &s) && reported("KeSynchronizeExecution", "N4"));
  KIRQL inner = KeAcquireInterruptSpinLock(s.interrupt);
  CHECK(reported("KeAcquireInterruptSpinLock", "N4"));
  KeReleaseInterruptSpinLock(s.interrupt, inner);
  IoDisconnectInterrupt(s.interrupt);
  CHECK(reported("IoDisconnectInterrupt", "N4"));
  KeReleaseInterruptSpinLock(s.interrupt, before);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  KeReleaseInterruptSpinLock(s.interrupt, before);
  CHECK(reported("KeReleaseInterruptSpinLock", "K25"));
  KeRaiseIrql(HIGH_LEVEL, &before);
  CHECK(!KeSynchronizeExecution(s.interrupt, add, &s) && reported("KeSynchronizeExecution", "4.6"));
  KeLowerIrql(before);
  IoDisconnectInterrupt(s.interrupt);
  CHECK(!KeSynchronizeExecution(s.interrupt, add, &s) && reported("KeSynchronizeExecution", "N14"));
  end(&s);
}

// Two interrupts under one lock: while the driver holds it, neither routine runs.
TEST(K7_shared_spin_lock) {
  source s;
  begin(&s, 2);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  PKINTERRUPT second;
  IO_CONNECT_INTERRUPT_PARAMETERS a = fully_specified(&s, 0), b = fully_specified(&s, 1);
  KIRQL highest = a.FullySpecified.Irql > b.FullySpecified.Irql ? a.FullySpecified.Irql : b.FullySpecified.Irql;
  a.FullySpecified.SpinLock = b.FullySpecified.SpinLock = &lock;
  b.FullySpecified.InterruptObject = &second;
  a.FullySpecified.SynchronizeIrql = b.FullySpecified.SynchronizeIrql = highest;
  CHECK(IoConnectInterruptEx(&a) == STATUS_SUCCESS && IoConnectInterruptEx(&b) == STATUS_SUCCESS && reports == 0);
  KIRQL level = KeAcquireInterruptSpinLock(s.interrupt);
  InterruptSyncTriggerInterrupt(s.device, 0);
  InterruptSyncTriggerInterrupt(s.device, 1);
  CHECK(!KeSynchronizeExecution(second, add, &s) && reported("KeSynchronizeExecution", "N4"));
  CHECK(s.calls == 0);
  KeReleaseInterruptSpinLock(s.interrupt, level);
  sem_wait(&s.served);
  sem_wait(&s.served);
  CHECK(s.calls == 2 && s.overlaps == 0 && s.level == highest);
  IoDisconnectInterrupt(second);
  b.FullySpecified.SynchronizeIrql = highest + 1;
  CHECK(IoConnectInterruptEx(&b) == STATUS_SUCCESS && reported("IoConnectInterrupt", "K7"));
  IoDisconnectInterrupt(second);
  IoDisconnectInterrupt(s.interrupt);
  end(&s);
}

TEST(K26_passive_level) {
  source s;
  begin(&s, 1);
  KSPIN_LOCK lock;
  KeInitializeSpinLock(&lock);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.Irql = p.FullySpecified.SynchronizeIrql = PASSIVE_LEVEL;
  p.FullySpecified.SpinLock = &lock;
  CHECK(IoConnectInterruptEx(&p) == STATUS_INVALID_PARAMETER);
  p.FullySpecified.SpinLock = NULL;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  s.level = 9;
  fire(&s, 0);
  CHECK(s.level == PASSIVE_LEVEL && KeSynchronizeExecution(s.interrupt, add, &s) == FALSE && s.shared == 2);
  KIRQL level = KeAcquireInterruptSpinLock(s.interrupt);
  CHECK(reported("KeAcquireInterruptSpinLock", "K25") && level == PASSIVE_LEVEL);
  KeReleaseInterruptSpinLock(s.interrupt, level);
  CHECK(reports == 0);
  IoDisconnectInterrupt(s.interrupt);
  end(&s);
}

TEST(K18_active_and_inactive) {
  source s;
  begin(&s, 1);
  connect(&s);
  source other;
  begin(&other, 0);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.InterruptObject = &other.interrupt;
  p.FullySpecified.ServiceContext = &other;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  IO_REPORT_INTERRUPT_ACTIVE_STATE_PARAMETERS state;
  state.Version = CONNECT_FULLY_SPECIFIED;
  state.ConnectionContext.InterruptObject = s.interrupt;
  KIRQL level = KeRaiseIrqlToDpcLevel();
  IoReportInterruptInactive(&state);
  IoReportInterruptInactive(&state);
  KeLowerIrql(level);
  InterruptSyncTriggerInterrupt(s.device, 0);
  sem_wait(&other.served);
  CHECK(s.calls == 0);
  IoReportInterruptActive(&state);
  fire(&s, 0);
  CHECK(s.calls == 1 && reports == 0);
  IoDisconnectInterrupt(other.interrupt);
  IoDisconnectInterrupt(s.interrupt);
  IoReportInterruptActive(&state);
  CHECK(reported("IoReportInterruptActive", "N14"));
  end(&other);
  end(&s);
}

static BOOLEAN serve_badly(PKINTERRUPT interrupt, PVOID context) {
  source *s = (source *)context;
  IoDisconnectInterrupt(interrupt);
  CHECK(reported("IoDisconnectInterrupt", "N4"));
  KIRQL level;
  KeRaiseIrql(HIGH_LEVEL, &level);
  sem_post(&s->served);
  return TRUE;
}

TEST(rules_inside_an_isr) {
  source s;
  begin(&s, 1);
  IO_CONNECT_INTERRUPT_PARAMETERS p = fully_specified(&s, 0);
  p.FullySpecified.ServiceRoutine = serve_badly;
  CHECK(IoConnectInterruptEx(&p) == STATUS_SUCCESS);
  fire(&s, 0);
  IoDisconnectInterrupt(s.interrupt);
  CHECK(reported("KSERVICE_ROUTINE", "D5"));
  end(&s);
}

TEST(a_thousand_connects) {
  source s;
  begin(&s, 1);
  for (int i = 0; i < 1000; i++) {
    connect(&s);
    if (i % 100 == 0) fire(&s, 0);
    IoDisconnectInterrupt(s.interrupt);
  }
  CHECK(s.calls == 10 && reports == 0);
  end(&s);
}

TEST(devices_are_made_and_used_with_what_is_needed) {
  INTERRUPTSYNC_SOFTWARE_DEVICE description;
  INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(&description, 1);
  PDEVICE_OBJECT device = NULL;
  CHECK(InterruptSyncCreateSoftwareDevice(NULL, 0, &device) == STATUS_INVALID_PARAMETER);
  CHECK(InterruptSyncCreateSoftwareDevice(&description, 0, NULL) == STATUS_INVALID_PARAMETER);
  CHECK(InterruptSyncCreateDevice(NULL, 0, &device) == STATUS_INVALID_PARAMETER && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(InterruptSyncCreateSoftwareDevice(&description, 0, &device) == STATUS_INVALID_DEVICE_STATE && !device);
  CHECK(reported("InterruptSyncCreateSoftwareDevice", "4.6"));
  KeLowerIrql(level);
  CHECK(InterruptSyncTriggerInterrupt(NULL, 0) == STATUS_INVALID_PARAMETER);
  CHECK(InterruptSyncSetBusMaster(NULL, TRUE) == STATUS_INVALID_PARAMETER && reports == 0);
}
