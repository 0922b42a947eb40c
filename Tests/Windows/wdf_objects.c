// WDF: objects, contexts, references, drivers, the hosting functions. Compiled as C and as C++.
#include "wdf_fixture.h"

typedef struct small {
  LONG a;
} small;
typedef struct other {
  char text[100];
} other;
WDF_DECLARE_CONTEXT_TYPE(small)
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(other, GetOther)

typedef struct named {
  const char *cleanup, *destroy;
} named;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(named, GetNamed)

static void named_cleanup(WDFOBJECT object) { note(GetNamed(object)->cleanup); }
static void named_destroy(WDFOBJECT object) { note(GetNamed(object)->destroy); }

static WDFOBJECT make_named(const char *cleanup, const char *destroy, WDFOBJECT parent) {
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, named);
  attributes.EvtCleanupCallback = named_cleanup;
  attributes.EvtDestroyCallback = named_destroy;
  attributes.ParentObject = parent;
  WDFOBJECT object = NULL;
  CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
  GetNamed(object)->cleanup = cleanup;
  GetNamed(object)->destroy = destroy;
  return object;
}

TEST(contexts_are_found_by_type) {
  begin(), add(0);
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
  CHECK(attributes.Size == sizeof attributes && attributes.ExecutionLevel == WdfExecutionLevelInheritFromParent);
  WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(&attributes, small);
  WDFOBJECT object;
  CHECK(WdfObjectCreate(&attributes, &object) == STATUS_SUCCESS);
  small *first = WdfObjectGetTypedContext(object, small);
  CHECK(first && first->a == 0 && WdfObjectGet_small(object) == first && WdfObjectContextGetObject(first) == object);
  CHECK(!GetOther(object));
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, other);
  attributes.ContextSizeOverride = 200;
  PVOID added = NULL, again = NULL;
  CHECK(WdfObjectAllocateContext(object, &attributes, &added) == STATUS_SUCCESS && added == GetOther(object));
  memset(added, 1, 200);
  CHECK(WdfObjectAllocateContext(object, &attributes, &again) == STATUS_OBJECT_NAME_EXISTS && again == added);
  CHECK(NT_SUCCESS(STATUS_OBJECT_NAME_EXISTS) && WdfObjectGetTypedContext(object, small) == first);
  CHECK((ULONG_PTR)added % 16 == 0 && WdfObjectContextGetObject(added) == object);
  WdfObjectDelete(object);
  CHECK(reports == 0);
  CHECK(!WdfObjectGet_small(object) && reported("WdfObjectGetTypedContext", "N27"));
  WdfObjectDelete(object);
  CHECK(reported("WdfObjectDelete", "N27"));
  WdfObjectReference(NULL);
  CHECK(reported("WdfObjectReference", "N27"));
  end();
}

TEST(attributes_are_checked) {
  begin(), add(0);
  WDFOBJECT object;
  WDF_OBJECT_ATTRIBUTES a;
#define CHECK_STATUS(call, status)                                                        \
  do {                                                                                    \
    NTSTATUS got = (call);                                                                \
    if (got != (status)) printf("  0x%08x\n", (unsigned)got);                             \
    CHECK(got == (status));                                                               \
  } while (0)
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.Size--;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_INFO_LENGTH_MISMATCH);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.ExecutionLevel = WdfExecutionLevelInvalid;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_INVALID_PARAMETER);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.ExecutionLevel = WdfExecutionLevelPassive;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_WDF_EXECUTION_LEVEL_INVALID);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.SynchronizationScope = WdfSynchronizationScopeInvalid;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_INVALID_PARAMETER);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.SynchronizationScope = WdfSynchronizationScopeQueue;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.ContextSizeOverride = 8;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_OBJECT_NAME_INVALID);
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&a, other), a.ContextSizeOverride = 99;
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_INVALID_PARAMETER);
  CHECK(!object && WdfObjectCreate(NULL, NULL) == STATUS_INVALID_PARAMETER && reports == 0);
  WDF_OBJECT_ATTRIBUTES_INIT(&a), a.ParentObject = the_device;
  PVOID context;
  CHECK_STATUS(WdfObjectAllocateContext(the_device, &a, &context), STATUS_INVALID_PARAMETER);
  WDF_OBJECT_ATTRIBUTES_INIT(&a);
  CHECK_STATUS(WdfObjectAllocateContext(the_device, &a, &context), STATUS_OBJECT_NAME_INVALID);
  KIRQL level;
  KeRaiseIrql(5, &level);
  CHECK_STATUS(WdfObjectCreate(&a, &object), STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("WdfObjectCreate", "4.6"));
  CHECK_STATUS(WdfObjectAllocateContext(the_device, &a, &context), STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("WdfObjectAllocateContext", "4.6"));
  KeLowerIrql(level);
  CHECK_STATUS(WdfObjectAllocateContext(NULL, &a, &context), STATUS_INVALID_HANDLE);
  CHECK(reported("WdfObjectAllocateContext", "N27"));
  end();
}

TEST(N27_children_end_first_and_cleanup_comes_before_destroy) {
  begin(), add(0);
  WDFOBJECT top = make_named("T", "t", WDF_NO_HANDLE);
  WDFOBJECT middle = make_named("M", "m", top);
  make_named("A", "a", middle);
  make_named("B", "b", middle);
  WdfObjectDelete(top);
  CHECK(traced("B A M T b a m t") && reports == 0);
  end();
}

TEST(N27_a_reference_keeps_the_context) {
  begin(), add(0);
  WDFOBJECT parent = make_named("P", "p", WDF_NO_HANDLE), child = make_named("C", "c", parent);
  WdfObjectReference(child);
  WdfObjectReferenceWithTag(child, (PVOID)1);
  WdfObjectDelete(parent);
  CHECK(traced("C P") && strcmp(GetNamed(child)->destroy, "c") == 0);
  WDFOBJECT late;
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
  attributes.ParentObject = child;
  CHECK(WdfObjectCreate(&attributes, &late) == STATUS_DELETE_PENDING);
  WdfObjectDereferenceWithTag(child, (PVOID)1);
  CHECK(traced(""));
  WdfObjectDereference(child);
  CHECK(traced("c p") && reports == 0);
  WDFOBJECT own = make_named("O", "o", WDF_NO_HANDLE);
  WdfObjectDereference(own);
  CHECK(reported("WdfObjectDereference", "N27") && traced(""));
  make_named("K", "k", own);
  WdfObjectDereference(own);
  CHECK(reported("WdfObjectDereference", "N27") && traced(""));
  end();
  CHECK(traced("unload K O k o"));
}

TEST(W4_what_the_framework_owns_is_not_deleted) {
  begin(), add(0);
  WdfObjectDelete(the_device);
  CHECK(reported("WdfObjectDelete", "W4"));
  WdfObjectDelete(WdfGetDriver());
  CHECK(reported("WdfObjectDelete", "W4"));
  CHECK(WdfDeviceGetDriver(the_device) == WdfGetDriver());
  end();
}

TEST(devices_and_drivers_know_each_other) {
  begin(), add(1);
  CHECK(WdfDeviceWdmGetDeviceObject(the_device) == pdo && WdfDeviceWdmGetPhysicalDevice(the_device) == pdo);
  CHECK(WdfWdmDeviceGetWdfDeviceHandle(pdo) == the_device);
  CHECK(WdfDriverWdmGetDriverObject(WdfGetDriver()) == driver_object);
  CHECK(GetDeviceContext(the_device)->value == 0 && reports == 0);
  CHECK(!WdfDeviceGetDriver((WDFDEVICE)(PVOID)WdfGetDriver()) && reported("WdfDeviceGetDriver", "N27"));
  WdfDeviceInitSetPnpPowerEventCallbacks(NULL, NULL);
  CHECK(reported("WdfDeviceInitSetPnpPowerEventCallbacks", "N28"));
  end();
  CHECK(!WdfGetDriver() && traced("unload"));
}

static NTSTATUS entry_status;
static WDF_DRIVER_CONFIG entry_config;
static int entry_calls;

static NTSTATUS entry_with_config(PDRIVER_OBJECT object, PUNICODE_STRING path) {
  WCHAR last = path->Buffer[path->Length / 2 - 1];
  CHECK(last == 'x' && object->DriverName.Length == 2 * 9 && object->DriverInit == entry_with_config);
  entry_status = STATUS_SUCCESS;
  for (int i = 0; i < entry_calls && NT_SUCCESS(entry_status); i++)
    entry_status = WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &entry_config, NULL);
  return entry_status;
}

TEST(driver_create_errors) {
  begin();
  PDRIVER_OBJECT object;
  entry_calls = 1;
  WDF_DRIVER_CONFIG_INIT(&entry_config, device_add);
  entry_config.Size--;
  CHECK(InterruptSyncLoadDriver(entry_with_config, "x", &object) == STATUS_INFO_LENGTH_MISMATCH && !object);
  WDF_DRIVER_CONFIG_INIT(&entry_config, device_add);
  entry_config.DriverInitFlags = WdfDriverInitNonPnpDriver;
  CHECK(InterruptSyncLoadDriver(entry_with_config, "x", &object) == STATUS_INVALID_PARAMETER && !object);
  WDF_DRIVER_CONFIG_INIT(&entry_config, device_add);
  entry_calls = 2;
  CHECK(InterruptSyncLoadDriver(entry_with_config, "x", &object) == STATUS_DRIVER_INTERNAL_ERROR && !WdfGetDriver());
  CHECK(InterruptSyncLoadDriver(NULL, "x", &object) == STATUS_INVALID_PARAMETER && reports == 0);
  WDFOBJECT none;
  CHECK(WdfObjectCreate(WDF_NO_OBJECT_ATTRIBUTES, &none) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("WdfObjectCreate", "N27"));
}

static void wdm_unload(PDRIVER_OBJECT object) {
  CHECK(object == driver_object);
  note("wdm-unload");
}

static NTSTATUS entry_without_wdf(PDRIVER_OBJECT object, PUNICODE_STRING path) {
  (void)path;
  object->DriverUnload = wdm_unload;
  return STATUS_SUCCESS;
}

static NTSTATUS refuse(WDFDEVICE device) {
  make_named("O", "o", device);
  return STATUS_NOT_SUPPORTED;
}

static NTSTATUS add_without_device(WDFDRIVER driver, PWDFDEVICE_INIT init) {
  (void)driver, (void)init;
  return STATUS_SUCCESS;
}

TEST(N28_hosting_errors) {
  begin();
  pdo = software_device(1);
  CHECK(InterruptSyncLoadDriver(entry_without_wdf, "x", &driver_object) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_INVALID_DEVICE_REQUEST);
  CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_SUCCESS && traced("wdm-unload"));
  entry_calls = 1;
  WDF_DRIVER_CONFIG_INIT(&entry_config, add_without_device);
  CHECK(InterruptSyncLoadDriver(entry_with_config, "x", &driver_object) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_UNSUCCESSFUL);
  CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_SUCCESS);
  InterruptSyncDeleteDevice(pdo);

  pdo = software_device(1);
  CHECK(InterruptSyncLoadDriver(driver_entry, "fixture", &driver_object) == STATUS_SUCCESS);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_NO_SUCH_DEVICE);
  plan.on_add = refuse;
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_NOT_SUPPORTED && traced("O o"));
  plan.on_add = NULL;
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_SUCCESS);
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_DEVICE_BUSY);
  CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_DEVICE_BUSY);
  CHECK(InterruptSyncPowerUpDevice(pdo) == STATUS_INVALID_DEVICE_STATE);
  CHECK(InterruptSyncPowerDownDevice(pdo) == STATUS_INVALID_DEVICE_STATE && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_INVALID_DEVICE_STATE && reported("InterruptSyncStartDevice", "4.6"));
  PDRIVER_OBJECT other = driver_object;
  CHECK(InterruptSyncLoadDriver(driver_entry, "y", &other) == STATUS_INVALID_DEVICE_STATE && !other);
  CHECK(reported("InterruptSyncLoadDriver", "4.6"));
  CHECK(InterruptSyncAddDevice(driver_object, pdo) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("InterruptSyncAddDevice", "4.6"));
  CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("InterruptSyncUnloadDriver", "4.6"));
  KeLowerIrql(level);
  CHECK(InterruptSyncUnloadDriver(NULL) == STATUS_INVALID_PARAMETER && reports == 0);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_SUCCESS);
  CHECK(InterruptSyncStartDevice(pdo) == STATUS_INVALID_DEVICE_STATE);
  end();
}
