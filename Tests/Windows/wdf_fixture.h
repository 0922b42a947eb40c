// A framework driver for the tests: one device, whose callbacks write their names into a trace and return what the
// case says.
#ifndef WDF_FIXTURE_H
#define WDF_FIXTURE_H

#include "wdf.h"

#include "check.h"

typedef struct device_context {
  LONG value;
  WDFINTERRUPT interrupt;
} device_context;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(device_context, GetDeviceContext)

// Choices of a case; begin() resets them.
static struct {
  NTSTATUS (*on_add)(WDFDEVICE device);
  NTSTATUS (*on_prepare)(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated);
  NTSTATUS d0_entry, post_enabled, pre_disabled, d0_exit;
  BOOLEAN self_managed;
  NTSTATUS init, suspend, restart;
  WDF_EXECUTION_LEVEL level;
  WDF_SYNCHRONIZATION_SCOPE scope;
} plan;

static PDRIVER_OBJECT driver_object;
static PDEVICE_OBJECT pdo;
static WDFDEVICE the_device;

static pthread_mutex_t trace_lock = PTHREAD_MUTEX_INITIALIZER;
static char trace[1000];

static inline void note(const char *word) {
  pthread_mutex_lock(&trace_lock);
  if (strlen(trace) + strlen(word) + 2 < sizeof trace) {
    if (trace[0]) strcat(trace, " ");
    strcat(trace, word);
  }
  pthread_mutex_unlock(&trace_lock);
}

static inline void forget_trace(void) {
  pthread_mutex_lock(&trace_lock);
  trace[0] = 0;
  pthread_mutex_unlock(&trace_lock);
}

// Whether the callbacks since the last look were these.
static inline int traced(const char *words) {
  pthread_mutex_lock(&trace_lock);
  int yes = strcmp(trace, words) == 0;
  if (!yes) printf("  trace: %s\n", trace);
  trace[0] = 0;
  pthread_mutex_unlock(&trace_lock);
  return yes;
}

static inline NTSTATUS prepare_hardware(WDFDEVICE device, WDFCMRESLIST raw, WDFCMRESLIST translated) {
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL);
  note("prepare");
  return plan.on_prepare ? plan.on_prepare(device, raw, translated) : STATUS_SUCCESS;
}

static inline NTSTATUS release_hardware(WDFDEVICE device, WDFCMRESLIST translated) {
  CHECK(device == the_device && translated);
  note("release");
  return STATUS_SUCCESS;
}

static inline NTSTATUS d0_entry(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
  CHECK(device == the_device && KeGetCurrentIrql() == PASSIVE_LEVEL);
  note(previous == WdfPowerDeviceD3Final ? "entry-final" : previous == WdfPowerDeviceD3 ? "entry-d3" : "entry?");
  return plan.d0_entry;
}

static inline NTSTATUS post_enabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE previous) {
  (void)device, (void)previous;
  note("post");
  return plan.post_enabled;
}

static inline NTSTATUS pre_disabled(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
  (void)device, (void)target;
  note("pre");
  return plan.pre_disabled;
}

static inline NTSTATUS d0_exit(WDFDEVICE device, WDF_POWER_DEVICE_STATE target) {
  (void)device;
  note(target == WdfPowerDeviceD3Final ? "exit-final" : target == WdfPowerDeviceD3 ? "exit-d3" : "exit?");
  return plan.d0_exit;
}

static inline NTSTATUS self_managed(WDFDEVICE device, const char *word, NTSTATUS status) {
  CHECK(device == the_device && KeGetCurrentIrql() == PASSIVE_LEVEL);
  note(word);
  return status;
}

static inline NTSTATUS self_managed_init(WDFDEVICE device) { return self_managed(device, "init", plan.init); }
static inline NTSTATUS self_managed_suspend(WDFDEVICE device) { return self_managed(device, "suspend", plan.suspend); }
static inline NTSTATUS self_managed_restart(WDFDEVICE device) { return self_managed(device, "restart", plan.restart); }
static inline void self_managed_flush(WDFDEVICE device) { (void)self_managed(device, "flush", STATUS_SUCCESS); }
static inline void self_managed_cleanup(WDFDEVICE device) { (void)self_managed(device, "cleanup", STATUS_SUCCESS); }

static inline void surprise_removal(WDFDEVICE device) {
  CHECK(device == the_device);
  note("surprise");
}

static inline NTSTATUS device_add(WDFDRIVER driver, PWDFDEVICE_INIT init) {
  CHECK(driver == WdfGetDriver());
  WDF_PNPPOWER_EVENT_CALLBACKS callbacks;
  WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&callbacks);
  callbacks.EvtDevicePrepareHardware = prepare_hardware;
  callbacks.EvtDeviceReleaseHardware = release_hardware;
  callbacks.EvtDeviceD0Entry = d0_entry;
  callbacks.EvtDeviceD0EntryPostInterruptsEnabled = post_enabled;
  callbacks.EvtDeviceD0ExitPreInterruptsDisabled = pre_disabled;
  callbacks.EvtDeviceD0Exit = d0_exit;
  callbacks.EvtDeviceSurpriseRemoval = surprise_removal;
  if (plan.self_managed) {
    callbacks.EvtDeviceSelfManagedIoInit = self_managed_init;
    callbacks.EvtDeviceSelfManagedIoSuspend = self_managed_suspend;
    callbacks.EvtDeviceSelfManagedIoRestart = self_managed_restart;
    callbacks.EvtDeviceSelfManagedIoFlush = self_managed_flush;
    callbacks.EvtDeviceSelfManagedIoCleanup = self_managed_cleanup;
  }
  WdfDeviceInitSetPnpPowerEventCallbacks(init, &callbacks);
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, device_context);
  if (plan.level) attributes.ExecutionLevel = plan.level;
  if (plan.scope) attributes.SynchronizationScope = plan.scope;
  NTSTATUS status = WdfDeviceCreate(&init, &attributes, &the_device);
  CHECK(status == STATUS_SUCCESS && !init);
  return plan.on_add ? plan.on_add(the_device) : STATUS_SUCCESS;
}

static inline void driver_unload(WDFDRIVER driver) {
  CHECK(driver == WdfGetDriver());
  note("unload");
}

static inline NTSTATUS driver_entry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
  WDF_DRIVER_CONFIG config;
  WDF_DRIVER_CONFIG_INIT(&config, device_add);
  config.EvtDriverUnload = driver_unload;
  return WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
}

static inline void begin(void) {
  memset(&plan, 0, sizeof plan);
  trace[0] = 0;
}

// Loads the driver and adds a software device.
static inline void add(ULONG interrupts) {
  pdo = software_device(interrupts);
  CHECK(InterruptSyncLoadDriver(driver_entry, "fixture", &driver_object) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_SUCCESS);
}

static inline void start(ULONG interrupts) {
  add(interrupts);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
}

static inline void end(void) {
  CHECK(InterruptSyncRemoveDevice(pdo) == STATUS_SUCCESS);
  CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_SUCCESS);
  InterruptSyncDeleteDevice(pdo);
}

#endif
