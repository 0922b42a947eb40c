// Floor 5, room PortCls. A service group: one DPC that passes a request on to every member (P38). Drivers make it at
// PASSIVE_LEVEL, change its members up to DISPATCH_LEVEL and request service at any level, also in an ISR. The deferred
// queue `dpc` calls the members. A spin lock guards the list of members and is not held meanwhile. And the clock in
// which PortCls counts delays, on any thread.
#include "com.h"

#include <stdlib.h>

enum { MEMBERS = 32 };

typedef struct {
  isw_com com;
  KDPC dpc;
  KSPIN_LOCK lock;
  ULONG count;
  PSERVICESINK members[MEMBERS];
} group_object;

static group_object *of(PSERVICEGROUP self) { return (group_object *)(void *)self; }

// Calls each member without the lock and with a reference, so that it may leave the group meanwhile. The request holds
// a reference to the group.
static void serve(PKDPC dpc, PVOID context, PVOID argument1, PVOID argument2) {
  (void)dpc, (void)argument1, (void)argument2;
  group_object *group = context;
  PSERVICESINK members[MEMBERS];
  KIRQL level = KeAcquireSpinLockRaiseToDpc(&group->lock);
  ULONG count = group->count;
  for (ULONG i = 0; i < count; i++) {
    members[i] = group->members[i];
    members[i]->lpVtbl->AddRef(members[i]);
  }
  KeReleaseSpinLock(&group->lock, level);
  for (ULONG i = 0; i < count; i++) {
    members[i]->lpVtbl->RequestService(members[i]);
    members[i]->lpVtbl->Release(members[i]);
  }
  isw_com_release(&group->com);
}

static VOID request_service(PSERVICEGROUP self) {
  isw_com_add_ref(&of(self)->com);
  if (!KeInsertQueueDpc(&of(self)->dpc, NULL, NULL)) isw_com_release(&of(self)->com);
}

static NTSTATUS add_member(PSERVICEGROUP self, PSERVICESINK Sink) {
  if (!Sink) return STATUS_INVALID_PARAMETER;
  group_object *group = of(self);
  KIRQL level = KeAcquireSpinLockRaiseToDpc(&group->lock);
  NTSTATUS status = group->count < MEMBERS ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  if (NT_SUCCESS(status)) {
    group->members[group->count++] = Sink;
    Sink->lpVtbl->AddRef(Sink);
  }
  KeReleaseSpinLock(&group->lock, level);
  return status;
}

static VOID remove_member(PSERVICEGROUP self, PSERVICESINK Sink) {
  group_object *group = of(self);
  PSERVICESINK removed = NULL;
  KIRQL level = KeAcquireSpinLockRaiseToDpc(&group->lock);
  for (ULONG i = 0; i < group->count && !removed; i++) {
    if (group->members[i] != Sink) continue;
    removed = Sink;
    for (ULONG j = i + 1; j < group->count; j++) group->members[j - 1] = group->members[j];
    group->count--;
  }
  KeReleaseSpinLock(&group->lock, level);
  if (removed) removed->lpVtbl->Release(removed);
}

static void no_delay(PCSTR call) {
  InterruptSyncReportViolation(call, "P38", "delayed service does not exist here; requests are served at once");
}

static VOID support_delayed(PSERVICEGROUP self) {
  (void)self;
  no_delay("IServiceGroup::SupportDelayedService");
}

static VOID request_delayed(PSERVICEGROUP self, ULONGLONG Delay) {
  (void)Delay;
  no_delay("IServiceGroup::RequestDelayedService");
  request_service(self);
}

static VOID cancel_delayed(PSERVICEGROUP self) {
  (void)self;
  no_delay("IServiceGroup::CancelDelayedService");
}

static const ISW_TABLE(IServiceGroupVtbl) table = {NULL,
                                                   NULL,
                                                   {ISW_COM_SLOTS(IServiceGroup),
                                                    .RequestService = request_service,
                                                    .AddMember = add_member,
                                                    .RemoveMember = remove_member,
                                                    .SupportDelayedService = support_delayed,
                                                    .RequestDelayedService = request_delayed,
                                                    .CancelDelayedService = cancel_delayed}};

static void destroy(isw_com *com) {
  group_object *group = (group_object *)com;
  for (ULONG i = 0; i < group->count; i++) group->members[i]->lpVtbl->Release(group->members[i]);
  isw_forget(group, sizeof *group);
  free(group);
}

NTSTATUS PcNewServiceGroup(PSERVICEGROUP *OutServiceGroup, PUNKNOWN OuterUnknown) {
  if (OutServiceGroup) *OutServiceGroup = NULL;
  if (!isw_require_irql("PcNewServiceGroup", PASSIVE_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  if (!OutServiceGroup) return STATUS_INVALID_PARAMETER;
  group_object *group = (group_object *)isw_com_new(sizeof *group, &table.slots, OuterUnknown, destroy,
                                                    &IID_IServiceSink, &IID_IServiceGroup);
  if (!group) return STATUS_INSUFFICIENT_RESOURCES;
  KeInitializeSpinLock(&group->lock);
  KeInitializeDpc(&group->dpc, serve, group);
  *OutServiceGroup = isw_com_created(&group->com);
  return STATUS_SUCCESS;
}

ULONGLONG PcGetTimeInterval(ULONGLONG since) { return KeQueryInterruptTime() - since; }
