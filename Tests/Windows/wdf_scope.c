// WDF: the lock of a device, which its serialized callbacks hold. Compiled as C and as C++.
#include "wdf_fixture.h"

static struct {
  WDFDPC dpc;
  WDFSPINLOCK spin;
  LONG inside, overlaps, calls;
  BOOLEAN acquires;
  sem_t called;
} my;

static void enter(void) {
  if (InterlockedIncrement(&my.inside) != 1) my.overlaps++;
  InterlockedDecrement(&my.inside);
}

static VOID serialized(WDFDPC dpc) {
  CHECK(dpc == my.dpc && KeGetCurrentIrql() == DISPATCH_LEVEL);
  enter();
  InterlockedIncrement(&my.calls);
  if (my.acquires) {
    WdfObjectAcquireLock(the_device);
    CHECK(reported("WdfObjectAcquireLock", "K24"));
    WdfObjectReleaseLock(the_device);
    CHECK(reports == 0 && KeGetCurrentIrql() == DISPATCH_LEVEL);
  }
  sem_post(&my.called);
}

static NTSTATUS add_dpc(WDFDEVICE device) {
  WDF_DPC_CONFIG config;
  WDF_DPC_CONFIG_INIT(&config, serialized);
  config.AutomaticSerialization = plan.level != WdfExecutionLevelPassive;
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
  attributes.ParentObject = device;
  CHECK(WdfDpcCreate(&config, &attributes, &my.dpc) == STATUS_SUCCESS);
  CHECK(WdfSpinLockCreate(WDF_NO_OBJECT_ATTRIBUTES, &my.spin) == STATUS_SUCCESS);
  return STATUS_SUCCESS;
}

static void prepare(WDF_SYNCHRONIZATION_SCOPE scope, WDF_EXECUTION_LEVEL level) {
  begin();
  memset(&my, 0, sizeof my);
  sem_init(&my.called, 0, 0);
  plan.scope = scope, plan.level = level, plan.on_add = add_dpc;
  start(1);
}

TEST(W37_the_lock_excludes_serialized_callbacks) {
  prepare(WdfSynchronizationScopeDevice, WdfExecutionLevelDispatch);
  LONG queued = 0;
  for (int i = 0; i < 20000; i++) {
    queued += WdfDpcEnqueue(my.dpc);
    WdfObjectAcquireLock(the_device);
    CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
    enter();
    WdfObjectReleaseLock(the_device);
    CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
  }
  for (LONG i = 0; i < queued; i++) sem_wait(&my.called);
  CHECK(my.calls == queued && my.overlaps == 0 && reports == 0);
  end();
}

TEST(W37_a_callback_waits_until_the_lock_is_released) {
  prepare(WdfSynchronizationScopeDevice, WdfExecutionLevelDispatch);
  WdfObjectAcquireLock(the_device);
  WdfDpcEnqueue(my.dpc);
  // Windows' time for it would be some microseconds.
  KeStallExecutionProcessor(20000);
  CHECK(InterlockedAdd(&my.calls, 0) == 0);
  WdfObjectReleaseLock(the_device);
  sem_wait(&my.called);
  CHECK(my.calls == 1 && reports == 0);
  end();
}

TEST(W37_the_lock_is_not_recursive) {
  prepare(WdfSynchronizationScopeDevice, WdfExecutionLevelDispatch);
  WdfObjectAcquireLock(the_device);
  WdfObjectAcquireLock(the_device);
  CHECK(reported("WdfObjectAcquireLock", "K24"));
  WdfObjectReleaseLock(the_device);
  CHECK(KeGetCurrentIrql() == DISPATCH_LEVEL);
  WdfObjectReleaseLock(the_device);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  WdfObjectReleaseLock(the_device);
  CHECK(reported("WdfObjectReleaseLock", "K24"));
  my.acquires = TRUE;
  WdfDpcEnqueue(my.dpc);
  sem_wait(&my.called);
  end();
}

TEST(W37_a_passive_devices_lock_is_taken_at_passive_level) {
  prepare(WdfSynchronizationScopeDevice, WdfExecutionLevelPassive);
  WdfObjectAcquireLock(the_device);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  WdfObjectReleaseLock(the_device);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfObjectAcquireLock(the_device);
  CHECK(reported("WdfObjectAcquireLock", "4.6"));
  KeLowerIrql(level);
  WdfObjectAcquireLock(the_device);
  WdfObjectReleaseLock(the_device);
  CHECK(reports == 0);
  end();
}

TEST(W37_objects_without_a_lock_are_reported) {
  prepare(WdfSynchronizationScopeNone, WdfExecutionLevelDispatch);
  WdfObjectAcquireLock(the_device);
  CHECK(reported("WdfObjectAcquireLock", "W37") && KeGetCurrentIrql() == PASSIVE_LEVEL);
  WdfObjectReleaseLock(the_device);
  CHECK(reported("WdfObjectReleaseLock", "W37"));
  WdfObjectAcquireLock(my.spin);
  CHECK(reported("WdfObjectAcquireLock", "W37"));
  WdfObjectAcquireLock(NULL);
  CHECK(reported("WdfObjectAcquireLock", "N27"));
  end();
}
