// Floor 5, room PortCls: IInterruptSync as COM sees it: the table, the fast half of CallSynchronizedRoutine,
// PcNewInterruptSync. Drivers call it on any thread: the synchronized call up to the interrupt's level, where it takes
// the interrupt lock; Release and GetKInterrupt at any level; the rest at PASSIVE_LEVEL without that lock. The object
// behind it is Swift's (PortCls/SyncObject.swift), and may outlive the last Release.
#include "com.h"

#include <stdlib.h>

typedef struct {
  isw_com com;
  isw_sync *sync;
  isw_gate gate;
  /// P2: kept as long as the object lives.
  PRESOURCELIST resources;
} sync_object;

static sync_object *of(PINTERRUPTSYNC self) { return (sync_object *)(void *)self; }

static NTSTATUS call_synchronized(PINTERRUPTSYNC self, PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext) {
  if (!Routine) return STATUS_INVALID_PARAMETER;
  sync_object *object = of(self);
  int32_t level;
  cuio_lock *lock = isw_gate_enter(&object->gate, &level);
  if (!LINUX_LIKELY(lock))
    return isw_sync_call(object->sync, (isw_sync_routine)(void (*)(void))Routine, DynamicContext);
  // Read before the call: the routine may release the last reference (N12).
  KIRQL irql = object->gate.irql;
  NTSTATUS status = Routine(self, DynamicContext);
  isw_check_level("CallSynchronizedRoutine", irql);
  cuio_lock_leave(lock, level);
  return status;
}

static PKINTERRUPT get_kinterrupt(PINTERRUPTSYNC self) { return isw_sync_kinterrupt(of(self)->sync); }
static NTSTATUS connect(PINTERRUPTSYNC self) { return isw_sync_connect(of(self)->sync); }
static VOID disconnect(PINTERRUPTSYNC self) { isw_sync_disconnect(of(self)->sync); }

static NTSTATUS register_service_routine(PINTERRUPTSYNC self, PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext,
                                         BOOLEAN First) {
  if (!Routine) return STATUS_INVALID_PARAMETER;
  return isw_sync_register(of(self)->sync, (isw_sync_routine)(void (*)(void))Routine, DynamicContext, First != 0);
}

static const ISW_TABLE(IInterruptSyncVtbl) table = {NULL,
                                                    NULL,
                                                    {ISW_COM_SLOTS(IInterruptSync),
                                                     .CallSynchronizedRoutine = call_synchronized,
                                                     .GetKInterrupt = get_kinterrupt,
                                                     .Connect = connect,
                                                     .Disconnect = disconnect,
                                                     .RegisterServiceRoutine = register_service_routine}};

static void destroyed(void *memory) {
  sync_object *object = memory;
  if (object->resources) object->resources->lpVtbl->Release(object->resources);
  free(object);
}

// Frees the memory once no routine can use it.
static void destroy(isw_com *com) {
  sync_object *object = (sync_object *)com;
  if (object->sync) isw_sync_release(object->sync, destroyed);
  else destroyed(object);
}

NTSTATUS PcNewInterruptSync(PINTERRUPTSYNC *OutInterruptSync, PUNKNOWN OuterUnknown, PRESOURCELIST ResourceList,
                            ULONG ResourceIndex, INTERRUPTSYNCMODE Mode) {
  if (OutInterruptSync) *OutInterruptSync = NULL;
  if (!isw_require_irql("PcNewInterruptSync", PASSIVE_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  if (!OutInterruptSync || !ResourceList || Mode < InterruptSyncModeNormal || Mode > InterruptSyncModeRepeat)
    return STATUS_INVALID_PARAMETER;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry =
      ResourceList->lpVtbl->FindTranslatedEntry(ResourceList, CmResourceTypeInterrupt, ResourceIndex);
  if (!entry) return STATUS_INVALID_PARAMETER;
  sync_object *object = (sync_object *)isw_com_new(sizeof *object, &table.slots, OuterUnknown, destroy,
                                                   &IID_IInterruptSync, NULL);
  if (!object) return STATUS_INSUFFICIENT_RESOURCES;
  NTSTATUS status = isw_sync_create(entry->u.Interrupt.Vector, (int32_t)Mode, object, &object->sync, &object->gate);
  if (!NT_SUCCESS(status)) {
    free(object);
    return status;
  }
  object->resources = ResourceList;
  ResourceList->lpVtbl->AddRef(ResourceList);
  *OutInterruptSync = isw_com_created(&object->com);
  return STATUS_SUCCESS;
}
