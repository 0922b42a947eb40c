// PortCls from C, through lpVtbl: order of the table, references, aggregation, resource lists, errors.
#include "portcls.h"

#include <stddef.h>
#include <time.h>

#include "check.h"

static PRESOURCELIST list_of(PDEVICE_OBJECT device) {
  PRESOURCELIST list = NULL;
  CHECK(InterruptSyncNewResourceList(&list, device) == STATUS_SUCCESS);
  return list;
}

static NTSTATUS nothing(PINTERRUPTSYNC sync, PVOID context) {
  (void)sync, (void)context;
  return STATUS_UNSUCCESSFUL;
}

TEST(P5_table) {
  size_t slot = sizeof(void *);
  CHECK(offsetof(IInterruptSyncVtbl, QueryInterface) == 0 && offsetof(IInterruptSyncVtbl, AddRef) == slot);
  CHECK(offsetof(IInterruptSyncVtbl, Release) == 2 * slot);
  CHECK(offsetof(IInterruptSyncVtbl, CallSynchronizedRoutine) == 3 * slot);
  CHECK(offsetof(IInterruptSyncVtbl, GetKInterrupt) == 4 * slot && offsetof(IInterruptSyncVtbl, Connect) == 5 * slot);
  CHECK(offsetof(IInterruptSyncVtbl, Disconnect) == 6 * slot);
  CHECK(offsetof(IInterruptSyncVtbl, RegisterServiceRoutine) == 7 * slot && sizeof(IInterruptSyncVtbl) == 8 * slot);
  static const GUID id = {0x22C6AC63, 0x851B, 0x11D0, {0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE}};
  CHECK(IsEqualGUID(&id, &IID_IInterruptSync) && !IsEqualGUID(&id, &IID_IUnknown));
  CHECK(InterruptSyncModeNormal == 1 && InterruptSyncModeAll == 2 && InterruptSyncModeRepeat == 3);
}

TEST(N15_creation_errors) {
  PDEVICE_OBJECT device = software_device(2);
  PRESOURCELIST list = list_of(device);
  PINTERRUPTSYNC sync = (PINTERRUPTSYNC)1;
  CHECK(PcNewInterruptSync(&sync, NULL, NULL, 0, InterruptSyncModeNormal) == STATUS_INVALID_PARAMETER && !sync);
  CHECK(PcNewInterruptSync(NULL, NULL, list, 0, InterruptSyncModeNormal) == STATUS_INVALID_PARAMETER);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, (INTERRUPTSYNCMODE)0) == STATUS_INVALID_PARAMETER);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, (INTERRUPTSYNCMODE)4) == STATUS_INVALID_PARAMETER);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 2, InterruptSyncModeAll) == STATUS_INVALID_PARAMETER && !sync);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 1, InterruptSyncModeAll) == STATUS_SUCCESS && sync);
  CHECK(sync->lpVtbl->Release(sync) == 0 && reports == 0);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, InterruptSyncModeAll) == STATUS_INVALID_DEVICE_STATE && !sync);
  CHECK(reported("PcNewInterruptSync", "4.6"));
  KeLowerIrql(level);
  InterruptSyncDeleteDevice(device);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, InterruptSyncModeAll) == STATUS_NOT_FOUND && !sync);
  CHECK(list->lpVtbl->Release(list) == 0);
}

TEST(P2_P40_references) {
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST list = list_of(device);
  PINTERRUPTSYNC sync;
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  CHECK(list->lpVtbl->Release(list) == 1);
  CHECK(sync->lpVtbl->AddRef(sync) == 2 && sync->lpVtbl->Release(sync) == 1);
  PVOID other = &other;
  CHECK(sync->lpVtbl->QueryInterface(sync, &IID_IInterruptSync, &other) == STATUS_SUCCESS && other == sync);
  CHECK(sync->lpVtbl->Release(sync) == 1);
  PUNKNOWN unknown;
  CHECK(sync->lpVtbl->QueryInterface(sync, &IID_IUnknown, (PVOID *)&unknown) == STATUS_SUCCESS);
  PVOID again;
  CHECK(unknown->lpVtbl->QueryInterface(unknown, &IID_IInterruptSync, &again) == STATUS_SUCCESS && again == sync);
  PVOID same;
  CHECK(unknown->lpVtbl->QueryInterface(unknown, &IID_IUnknown, &same) == STATUS_SUCCESS && same == unknown);
  CHECK(sync->lpVtbl->QueryInterface(sync, &IID_IResourceList, &other) == STATUS_INVALID_PARAMETER && !other);
  CHECK(unknown->lpVtbl->Release(unknown) == 3);
  for (ULONG left = 3; left-- > 0;) CHECK(sync->lpVtbl->Release(sync) == left);
  InterruptSyncDeleteDevice(device);
}

// An outer object by hand: it answers for IInterruptSync with the inner object's.
typedef struct { IUnknown unknown; LONG references; PUNKNOWN inner; } outer_object;

static NTSTATUS outer_query(PUNKNOWN self, REFIID id, PVOID *out) {
  outer_object *outer = (outer_object *)self;
  if (!IsEqualGUID(id, &IID_IUnknown)) return outer->inner->lpVtbl->QueryInterface(outer->inner, id, out);
  *out = self;
  self->lpVtbl->AddRef(self);
  return STATUS_SUCCESS;
}
static ULONG outer_add_ref(PUNKNOWN self) { return (ULONG)InterlockedIncrement(&((outer_object *)self)->references); }
static ULONG outer_release(PUNKNOWN self) { return (ULONG)InterlockedDecrement(&((outer_object *)self)->references); }
static const IUnknownVtbl outer_table = {outer_query, outer_add_ref, outer_release};

TEST(N15_aggregation) {
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST list = list_of(device);
  outer_object outer = {{&outer_table}, 1, NULL};
  CHECK(PcNewInterruptSync((PINTERRUPTSYNC *)(PVOID)&outer.inner, &outer.unknown, list, 0,
                           InterruptSyncModeNormal) == STATUS_SUCCESS);
  CHECK(outer.references == 1);
  PINTERRUPTSYNC sync;
  CHECK(outer_query(&outer.unknown, &IID_IInterruptSync, (PVOID *)&sync) == STATUS_SUCCESS && outer.references == 2);
  PVOID identity;
  CHECK(sync->lpVtbl->QueryInterface(sync, &IID_IUnknown, &identity) == STATUS_SUCCESS && identity == &outer);
  CHECK(outer.references == 3 && sync->lpVtbl->AddRef(sync) == 4);
  CHECK(sync->lpVtbl->RegisterServiceRoutine(sync, nothing, NULL, FALSE) == STATUS_SUCCESS);
  CHECK(sync->lpVtbl->Connect(sync) == STATUS_SUCCESS);
  for (int i = 0; i < 3; i++) sync->lpVtbl->Release(sync);
  CHECK(outer.references == 1 && outer.inner->lpVtbl->Release(outer.inner) == 0);
  CHECK(list->lpVtbl->Release(list) == 0 && reports == 0);
  InterruptSyncDeleteDevice(device);
}

TEST(L1_to_L6_resource_lists) {
  PDEVICE_OBJECT device = software_device(2);
  PRESOURCELIST list = list_of(device), part = NULL;
  CHECK(list->lpVtbl->NumberOfEntries(list) == 4 && IResourceList_NumberOfInterrupts(list) == 2);
  CHECK(IResourceList_NumberOfMemories(list) == 1 && IResourceList_NumberOfPorts(list) == 1);
  CHECK(IResourceList_NumberOfDmas(list) == 0 && IResourceList_FindTranslatedMemory(list, 1) == NULL);
  CHECK(IResourceList_FindTranslatedMemory(list, 0)->u.Memory.Length == 4096);
  CHECK(IResourceList_FindTranslatedPort(list, 0)->u.Port.Length == 16);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR second = IResourceList_FindTranslatedInterrupt(list, 1);
  CHECK(second && list->lpVtbl->FindUntranslatedEntry(list, CmResourceTypeInterrupt, 1)->u.Interrupt.Level == 1);
  CHECK(PcNewResourceSublist(&part, NULL, PagedPool, list, 1) == STATUS_SUCCESS);
  CHECK(part->lpVtbl->NumberOfEntries(part) == 0);
  CHECK(part->lpVtbl->AddEntryFromParent(part, list, CmResourceTypeInterrupt, 2) == STATUS_INVALID_PARAMETER);
  CHECK(part->lpVtbl->AddEntryFromParent(part, list, CmResourceTypeInterrupt, 1) == STATUS_SUCCESS);
  CHECK(part->lpVtbl->AddEntry(part, second, second) == STATUS_INSUFFICIENT_RESOURCES);
  CHECK(IResourceList_FindTranslatedInterrupt(part, 0)->u.Interrupt.Vector == second->u.Interrupt.Vector);
  CHECK(part->lpVtbl->TranslatedList(part)->List[0].PartialResourceList.Count == 1);
  CHECK(part->lpVtbl->UntranslatedList(part)->Count == 1);
  PVOID found;
  CHECK(part->lpVtbl->QueryInterface(part, &IID_IResourceList, &found) == STATUS_SUCCESS && found == part);
  part->lpVtbl->Release(part);
  PINTERRUPTSYNC sync;
  CHECK(list->lpVtbl->Release(list) == 0);
  CHECK(PcNewInterruptSync(&sync, NULL, part, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  CHECK(sync->lpVtbl->Release(sync) == 0 && part->lpVtbl->Release(part) == 0);
  CHECK(PcNewResourceList(&list, NULL, PagedPool, NULL, NULL) == STATUS_INVALID_PARAMETER && !list);
  CHECK(PcNewResourceList(&list, NULL, PagedPool, InterruptSyncTranslatedResources(device), NULL) == STATUS_SUCCESS);
  CHECK(list->lpVtbl->Release(list) == 0);
  CHECK(PcNewResourceSublist(&list, NULL, PagedPool, NULL, 1) == STATUS_INVALID_PARAMETER && reports == 0);
  InterruptSyncDeleteDevice(device);
}

TEST(rules_are_reported) {
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST list = list_of(device);
  PINTERRUPTSYNC sync;
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  CHECK(sync->lpVtbl->Connect(sync) == STATUS_UNSUCCESSFUL && reported("IInterruptSync::Connect", "N9"));
  CHECK(sync->lpVtbl->RegisterServiceRoutine(sync, NULL, NULL, FALSE) == STATUS_INVALID_PARAMETER);
  CHECK(sync->lpVtbl->CallSynchronizedRoutine(sync, NULL, NULL) == STATUS_INVALID_PARAMETER);
  CHECK(sync->lpVtbl->RegisterServiceRoutine(sync, nothing, NULL, FALSE) == STATUS_SUCCESS && reports == 0);
  CHECK(sync->lpVtbl->Connect(sync) == STATUS_SUCCESS);
  CHECK(sync->lpVtbl->Connect(sync) == STATUS_INVALID_DEVICE_STATE && reported("IInterruptSync::Connect", "N9"));
  CHECK(sync->lpVtbl->GetKInterrupt(sync) != NULL);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  sync->lpVtbl->Disconnect(sync);
  CHECK(reported("IInterruptSync::Disconnect", "4.6") && sync->lpVtbl->GetKInterrupt(sync) != NULL);
  CHECK(sync->lpVtbl->RegisterServiceRoutine(sync, nothing, NULL, FALSE) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("IInterruptSync::RegisterServiceRoutine", "4.6"));
  KeLowerIrql(level);
  sync->lpVtbl->Release(sync);
  list->lpVtbl->Release(list);
  InterruptSyncDeleteDevice(device);
}

typedef struct {
  PINTERRUPTSYNC sync;
  pthread_t thread;
} stormy;
static stormy stormies[2];
static LONG storming, disconnected;

static NTSTATUS never_mine(PINTERRUPTSYNC sync, PVOID context) {
  (void)sync;
  // Again at each interrupt, also while the other line's report reads it.
  __atomic_store_n(&((stormy *)context)->thread, pthread_self(), __ATOMIC_RELAXED);
  return STATUS_UNSUCCESSFUL;
}

static VOID disconnect_the_other(PVOID context, PCSTR call, PCSTR rule, PCSTR message) {
  (void)context, (void)call, (void)message;
  CHECK(strcmp(rule, "N20") == 0);
  InterlockedIncrement(&storming);
  while (InterlockedCompareExchange(&storming, 0, 0) < 2) KeStallExecutionProcessor(1);
  int other = pthread_equal(pthread_self(), __atomic_load_n(&stormies[0].thread, __ATOMIC_RELAXED)) != 0;
  stormies[other].sync->lpVtbl->Disconnect(stormies[other].sync);
  InterlockedIncrement(&disconnected);
}

// Two lines storm at once; the report of each disconnects the other's object, while both threads are in a report.
TEST(N11_reports_that_disconnect_each_others_objects) {
  PDEVICE_OBJECT devices[2];
  InterruptSyncSetReportRoutine(disconnect_the_other, NULL);
  storming = disconnected = 0;
  for (int i = 0; i < 2; i++) {
    devices[i] = software_device(1);
    PRESOURCELIST list;
    CHECK(InterruptSyncNewResourceList(&list, devices[i]) == STATUS_SUCCESS);
    CHECK(PcNewInterruptSync(&stormies[i].sync, NULL, list, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
    list->lpVtbl->Release(list);
    PINTERRUPTSYNC sync = stormies[i].sync;
    CHECK(sync->lpVtbl->RegisterServiceRoutine(sync, never_mine, &stormies[i], FALSE) == STATUS_SUCCESS);
    CHECK(sync->lpVtbl->Connect(sync) == STATUS_SUCCESS);
  }
  time_t deadline = time(NULL) + 20;
  while (InterlockedCompareExchange(&disconnected, 0, 0) < 2 && time(NULL) < deadline)
    for (int i = 0; i < 2; i++) InterruptSyncTriggerInterrupt(devices[i], 0);
  if (disconnected < 2) {
    printf("  DEADLOCK of reports that disconnect each other's objects\n");
    exit(1);
  }
  InterruptSyncSetReportRoutine(report_came, NULL);
  for (int i = 0; i < 2; i++) {
    CHECK(stormies[i].sync->lpVtbl->Release(stormies[i].sync) == 0);
    InterruptSyncDeleteDevice(devices[i]);
  }
}

// Wherever they come from: a rule broken a thousand times, and the same refusal a thousand times.
TEST(equal_reports_are_limited_in_number) {
  for (int i = 0; i < 1000; i++) InterruptSyncReportViolation("a call", "a rule", "this test's message");
  CHECK(reports == 10);
  InterruptSyncReportViolation("a call", "a rule", "another message");
  CHECK(reports == 11);
  PDEVICE_OBJECT device = software_device(1);
  PRESOURCELIST list;
  PINTERRUPTSYNC sync;
  CHECK(InterruptSyncNewResourceList(&list, device) == STATUS_SUCCESS);
  CHECK(PcNewInterruptSync(&sync, NULL, list, 0, InterruptSyncModeNormal) == STATUS_SUCCESS);
  list->lpVtbl->Release(list);
  for (int i = 0; i < 1000; i++) CHECK(sync->lpVtbl->Connect(sync) == STATUS_UNSUCCESSFUL);
  CHECK(reports <= 21);
  CHECK(sync->lpVtbl->Release(sync) == 0);
  InterruptSyncDeleteDevice(device);
}
