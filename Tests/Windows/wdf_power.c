// WDF: connecting and disconnecting with the device's power, and by the driver. Compiled as C and as C++.
#include "wdf_fixture.h"

static struct {
  WDFINTERRUPT interrupt[2];
  NTSTATUS enable, disable;
  KIRQL level;
  ULONG message;
  LONG calls;
  sem_t served;
  BOOLEAN passive;
} my;

static KIRQL dirql(ULONG index) { return (KIRQL)resource(pdo, CmResourceTypeInterrupt, index)->u.Interrupt.Level; }

static BOOLEAN isr(WDFINTERRUPT interrupt, ULONG message) {
  CHECK(WdfInterruptWdmGetInterrupt(interrupt) != NULL);
  my.message = message;
  my.level = KeGetCurrentIrql();
  InterlockedIncrement(&my.calls);
  sem_post(&my.served);
  return TRUE;
}

// While the routine may run.
static LONG calls_so_far(void) { return InterlockedAdd(&my.calls, 0); }

static NTSTATUS enable(WDFINTERRUPT interrupt, WDFDEVICE device) {
  CHECK(device == the_device && WdfInterruptWdmGetInterrupt(interrupt));
  CHECK(KeGetCurrentIrql() == (my.passive ? PASSIVE_LEVEL : dirql(interrupt == my.interrupt[1])));
  note(interrupt == my.interrupt[0] ? "enable0" : "enable1");
  return my.enable;
}

static NTSTATUS disable(WDFINTERRUPT interrupt, WDFDEVICE device) {
  CHECK(device == the_device && WdfInterruptWdmGetInterrupt(interrupt));
  CHECK(KeGetCurrentIrql() == (my.passive ? PASSIVE_LEVEL : dirql(interrupt == my.interrupt[1])));
  note(interrupt == my.interrupt[0] ? "disable0" : "disable1");
  return my.disable;
}

static NTSTATUS add_interrupts(WDFDEVICE device) {
  for (int i = 0; i < 2; i++) {
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, isr, NULL);
    config.EvtInterruptEnable = enable;
    config.EvtInterruptDisable = disable;
    config.PassiveHandling = my.passive;
    CHECK(WdfInterruptCreate(device, &config, NULL, &my.interrupt[i]) == STATUS_SUCCESS);
  }
  return STATUS_SUCCESS;
}

static void prepare(void) {
  begin();
  memset(&my, 0, sizeof my);
  sem_init(&my.served, 0, 0);
  plan.on_add = add_interrupts;
}

static void fire(ULONG index) {
  CHECK(InterruptSyncTriggerInterrupt(pdo, index) == STATUS_SUCCESS);
  sem_wait(&my.served);
}

#define UP " enable0 enable1 post"
#define DOWN "pre disable1 disable0 "

TEST(W6_the_order_of_the_callbacks) {
  prepare(), start(2);
  CHECK(traced("prepare entry-final" UP));
  fire(0), fire(1);
  CHECK(my.calls == 2 && my.level == dirql(1));
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS && traced(DOWN "exit-d3"));
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS && traced("entry-d3" UP));
  fire(0);
  end();
  CHECK(traced(DOWN "exit-final release unload") && my.calls == 3 && reports == 0);
}

TEST(W13_the_message_is_0_for_every_line) {
  prepare(), start(2);
  my.message = 9, fire(0);
  CHECK(my.message == 0);
  my.message = 9, fire(1);
  CHECK(my.message == 0 && reports == 0);
  end();
}

TEST(W6_passive_interrupts_are_enabled_at_passive_level) {
  prepare(), my.passive = TRUE, start(2);
  CHECK(traced("prepare entry-final" UP));
  my.level = 9, fire(0);
  CHECK(my.level == PASSIVE_LEVEL && reports == 0);
  end();
}

TEST(W6_removal_in_d3_and_before_the_start) {
  prepare(), start(2);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
  forget_trace();
  end();
  CHECK(traced("release unload"));
  prepare(), add(2), end();
  CHECK(traced("unload") && reports == 0);
}

TEST(W7_a_failed_enable_fails_the_start) {
  prepare(), my.enable = STATUS_IO_DEVICE_ERROR, add(2);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_IO_DEVICE_ERROR);
  CHECK(traced("prepare entry-final enable0 exit-final release") && !WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  my.enable = STATUS_SUCCESS;
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS && traced("prepare entry-final" UP));
  fire(0);
  CHECK(reports == 0);
  end();
}

TEST(failures_on_the_way_up) {
  prepare(), plan.d0_entry = STATUS_UNSUCCESSFUL, add(2);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_UNSUCCESSFUL && traced("prepare entry-final release"));
  plan.d0_entry = STATUS_SUCCESS, plan.post_enabled = STATUS_DEVICE_NOT_READY;
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_DEVICE_NOT_READY);
  CHECK(traced("prepare entry-final" UP " disable1 disable0 exit-final release"));
  plan.post_enabled = STATUS_SUCCESS;
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS && reports == 0);
  end();
}

TEST(W8_a_failed_disable_is_remembered_and_all_goes_on) {
  prepare(), start(2), forget_trace();
  my.disable = STATUS_IO_DEVICE_ERROR, plan.d0_exit = STATUS_UNSUCCESSFUL;
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_IO_DEVICE_ERROR && traced(DOWN "exit-d3"));
  CHECK(!WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS);
  my.disable = STATUS_SUCCESS;
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_UNSUCCESSFUL && reports == 0);
  end();
}

TEST(W8_surprise_removal_skips_the_disable_callback) {
  prepare(), start(2), forget_trace();
  CHECK(InterruptSyncSurpriseRemoveDevice(pdo) == STATUS_SUCCESS);
  CHECK(traced("surprise pre exit-final release") && !WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_INVALID_DEVICE_STATE);
  CHECK(InterruptSyncSurpriseRemoveDevice(pdo) == STATUS_INVALID_DEVICE_STATE && reports == 0);
  end();
  CHECK(traced("unload"));
}

TEST(W36_self_managed_io_follows_the_devices_power) {
  prepare(), plan.self_managed = TRUE, start(2);
  CHECK(traced("prepare entry-final" UP " init"));
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS && traced("suspend " DOWN "exit-d3"));
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS && traced("entry-d3" UP " restart"));
  end();
  CHECK(traced("suspend " DOWN "exit-final release flush cleanup unload"));
  // In D3 it is suspended already; without a start there is nothing to end.
  prepare(), plan.self_managed = TRUE, start(2);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
  forget_trace(), end();
  CHECK(traced("release flush cleanup unload"));
  prepare(), plan.self_managed = TRUE, add(2), end();
  CHECK(traced("unload") && reports == 0);
}

TEST(W36_a_surprise_removal_suspends_and_flushes) {
  prepare(), plan.self_managed = TRUE, start(2), forget_trace();
  CHECK(InterruptSyncSurpriseRemoveDevice(pdo) == STATUS_SUCCESS);
  CHECK(traced("surprise suspend pre exit-final release flush"));
  end();
  CHECK(traced("cleanup unload") && reports == 0);
}

TEST(W36_a_failure_of_self_managed_io_fails_the_way_up) {
  prepare(), plan.self_managed = TRUE, plan.init = STATUS_DEVICE_NOT_READY, add(2);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_DEVICE_NOT_READY);
  CHECK(traced("prepare entry-final" UP " init disable1 disable0 exit-final release"));
  plan.init = STATUS_SUCCESS;
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS && traced("prepare entry-final" UP " init"));
  plan.suspend = STATUS_IO_DEVICE_ERROR;
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_IO_DEVICE_ERROR && traced("suspend " DOWN "exit-d3"));
  plan.restart = STATUS_UNSUCCESSFUL;
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_UNSUCCESSFUL);
  CHECK(traced("entry-d3" UP " restart disable1 disable0 exit-final release"));
  end();
  CHECK(traced("flush cleanup unload"));
  // Init was called, whatever it returned.
  prepare(), plan.self_managed = TRUE, plan.init = STATUS_UNSUCCESSFUL, add(2);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_UNSUCCESSFUL);
  forget_trace(), end();
  CHECK(traced("flush cleanup unload") && reports == 0);
}

static PKINTERRUPT at_entry;
static NTSTATUS look(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  (void)device, (void)raw, (void)translated;
  at_entry = WdfInterruptWdmGetInterrupt(my.interrupt[0]);
  return STATUS_SUCCESS;
}

static BOOLEAN read_level(PVOID context) {
  *(KIRQL *)context = KeGetCurrentIrql();
  return TRUE;
}

TEST(W12_the_wdm_interrupt_is_there_while_connected) {
  at_entry = (PKINTERRUPT)1;
  prepare(), plan.on_prepare = look, start(2);
  CHECK(!at_entry);
  PKINTERRUPT wdm = WdfInterruptWdmGetInterrupt(my.interrupt[0]);
  KIRQL level = 0;
  CHECK(wdm && KeSynchronizeExecution(wdm, read_level, &level) && level == dirql(0) && reports == 0);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS && !WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  CHECK(!KeSynchronizeExecution(wdm, read_level, &level) && reported("KeSynchronizeExecution", "N14"));
  end();
}

TEST(W10_N25_a_disabled_interrupt_stays_off_until_it_is_enabled) {
  prepare(), start(2), forget_trace();
  WdfInterruptDisable(my.interrupt[0]);
  CHECK(traced("disable0") && !WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  WdfInterruptDisable(my.interrupt[0]);
  CHECK(traced(""));
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS && traced("pre disable1 exit-d3"));
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS && traced("entry-d3 enable1 post"));
  fire(1);
  WdfInterruptEnable(my.interrupt[0]);
  CHECK(traced("enable0") && my.calls == 1);
  fire(0);
  WdfInterruptEnable(my.interrupt[0]);
  CHECK(traced("") && my.calls == 2 && reports == 0);
  // Outside D0 only the memory changes.
  WdfInterruptDisable(my.interrupt[1]);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
  forget_trace();
  WdfInterruptEnable(my.interrupt[1]);
  CHECK(traced("") && InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS && traced("entry-d3" UP));
  WdfInterruptDisable(my.interrupt[0]);
  my.enable = STATUS_IO_DEVICE_ERROR;
  WdfInterruptEnable(my.interrupt[0]);
  CHECK(reported("WdfInterruptEnable", "W10") && !WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfInterruptEnable(my.interrupt[0]);
  CHECK(reported("WdfInterruptEnable", "4.6"));
  WdfInterruptDisable(my.interrupt[0]);
  CHECK(reported("WdfInterruptDisable", "4.6"));
  KeLowerIrql(level);
  end();
}

static NTSTATUS enable_badly(WDFINTERRUPT interrupt, WDFDEVICE device) {
  (void)device;
  WdfInterruptDisable(interrupt);
  CHECK(reported("WdfInterruptDisable", "N4"));
  CHECK(InterruptSyncRemoveDevice(pdo) == STATUS_INVALID_DEVICE_STATE && reported("InterruptSyncRemoveDevice", "4.6"));
  KIRQL level;
  KeRaiseIrql(HIGH_LEVEL, &level);
  return STATUS_SUCCESS;
}

static NTSTATUS add_bad_interrupt(WDFDEVICE device) {
  WDF_INTERRUPT_CONFIG config;
  WDF_INTERRUPT_CONFIG_INIT(&config, isr, NULL);
  config.EvtInterruptEnable = enable_badly;
  return WdfInterruptCreate(device, &config, NULL, &my.interrupt[0]);
}

static NTSTATUS remove_inside(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  (void)device, (void)raw, (void)translated;
  CHECK(InterruptSyncRemoveDevice(pdo) == STATUS_DEVICE_BUSY && InterruptSyncPowerDownDevice(pdo) == STATUS_DEVICE_BUSY);
  return STATUS_SUCCESS;
}

TEST(rules_inside_callbacks) {
  prepare(), plan.on_add = add_bad_interrupt, plan.on_prepare = remove_inside, start(1);
  CHECK(reported("EvtInterruptEnable", "D5"));
  end();
}

static NTSTATUS another_isr(WDFDEVICE device) {
  WDF_INTERRUPT_CONFIG config;
  WDF_INTERRUPT_CONFIG_INIT(&config, isr, NULL);
  return WdfInterruptCreate(device, &config, NULL, &my.interrupt[0]);
}

static BOOLEAN watch(PKINTERRUPT interrupt, PVOID context) {
  (void)interrupt;
  sem_post((sem_t *)context);
  return TRUE;
}

TEST(W11_inactive_interrupts_are_not_called) {
  prepare(), plan.on_add = another_isr, add(1);
  WdfInterruptReportActive(my.interrupt[0]);
  CHECK(reported("WdfInterruptReportActive", "W11"));
  WdfInterruptReportInactive(my.interrupt[0]);
  CHECK(reported("WdfInterruptReportInactive", "W11"));
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  // A second object on the line says when an interrupt has been through.
  sem_t through;
  sem_init(&through, 0, 0);
  PKINTERRUPT wdm;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = resource(pdo, CmResourceTypeInterrupt, 0);
  CHECK(IoConnectInterrupt(&wdm, watch, &through, NULL, entry->u.Interrupt.Vector, dirql(0), dirql(0), LevelSensitive,
                           TRUE, 1, FALSE) == STATUS_SUCCESS);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  WdfInterruptReportInactive(my.interrupt[0]);
  WdfInterruptReportInactive(my.interrupt[0]);
  KeLowerIrql(level);
  InterruptSyncTriggerInterrupt(pdo, 0), sem_wait(&through);
  CHECK(my.calls == 0 && WdfInterruptWdmGetInterrupt(my.interrupt[0]));
  WdfInterruptReportActive(my.interrupt[0]);
  fire(0), sem_wait(&through);
  CHECK(my.calls == 1 && reports == 0);
  KeRaiseIrql(5, &level);
  WdfInterruptReportInactive(my.interrupt[0]);
  CHECK(reported("WdfInterruptReportInactive", "4.6"));
  KeLowerIrql(level);
  IoDisconnectInterrupt(wdm);
  end();
}

// Nobody services the line meanwhile, which is no storm; the first interrupt afterwards finds the line armed.
TEST(W11_a_line_that_stays_asserted_while_inactive_is_no_storm) {
  prepare(), plan.on_add = another_isr, add(1);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  for (int turn = 1; turn <= 20; turn++) {
    WdfInterruptReportInactive(my.interrupt[0]);
    while (sem_trywait(&my.served) == 0) continue;
    LONG calls = calls_so_far();
    for (int i = 0; i < 2000; i++) InterruptSyncTriggerInterrupt(pdo, 0);
    WdfInterruptReportActive(my.interrupt[0]);
    fire(0);
    // What was raised meanwhile may come as an interrupt of its own.
    CHECK(calls_so_far() > calls);
  }
  CHECK(reports == 0);
  end();
}

// An interrupt that waits when the line opens finds the object connected, and is not lost (W9, N10).
static NTSTATUS trigger_in_entry(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  (void)device, (void)raw, (void)translated;
  return InterruptSyncTriggerInterrupt(pdo, 0);
}

TEST(W9_an_early_interrupt_is_served) {
  prepare(), plan.on_add = another_isr, plan.on_prepare = trigger_in_entry, start(1);
  sem_wait(&my.served);
  CHECK(my.calls == 1 && reports == 0);
  end();
}

TEST(a_hundred_power_cycles_while_interrupts_come) {
  prepare(), start(1);
  for (int i = 0; i < 100; i++) {
    fire(0);
    InterruptSyncTriggerInterrupt(pdo, 0);
    CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_SUCCESS);
    LONG calls = my.calls;
    InterruptSyncTriggerInterrupt(pdo, 0);
    CHECK(my.calls == calls && InterruptSyncPowerUpDevice(pdo) == STATUS_SUCCESS);
    while (sem_trywait(&my.served) == 0) {}
  }
  CHECK(reports == 0);
  end();
}
