// Floor 5, room PortCls. Resource lists: the raw ones, as a bus driver fills them, and IResourceList over a copy of two
// of them. DeviceObject.swift makes raw ones, the program and drivers the others. A list does not lock: fill and read
// it on one thread at a time. Lists are made at PASSIVE_LEVEL, without an interrupt lock.
#include "com.h"

#include <stdlib.h>

PCM_RESOURCE_LIST isw_resources_new(ULONG capacity, INTERFACE_TYPE bus) {
  size_t length = sizeof(CM_RESOURCE_LIST) + capacity * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
  PCM_RESOURCE_LIST list = calloc(1, length);
  if (!list) return NULL;
  list->Count = 1;
  list->List[0].InterfaceType = bus;
  list->List[0].PartialResourceList.Version = 1;
  list->List[0].PartialResourceList.Revision = 1;
  return list;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR next(PCM_RESOURCE_LIST list, UCHAR type) {
  PCM_PARTIAL_RESOURCE_LIST partial = &list->List[0].PartialResourceList;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = &partial->PartialDescriptors[partial->Count++];
  entry->Type = type;
  return entry;
}

void isw_resources_add_interrupt(PCM_RESOURCE_LIST list, ULONG level, ULONG vector, USHORT flags) {
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = next(list, CmResourceTypeInterrupt);
  entry->ShareDisposition = CmResourceShareShared;
  entry->Flags = flags;
  entry->u.Interrupt.Level = level;
  entry->u.Interrupt.Vector = vector;
  entry->u.Interrupt.Affinity = ~(KAFFINITY)0;
}

void isw_resources_add_range(PCM_RESOURCE_LIST list, UCHAR type, ULONG64 start, ULONG length) {
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = next(list, type);
  entry->ShareDisposition = CmResourceShareDeviceExclusive;
  entry->Flags = type == CmResourceTypePort ? CM_RESOURCE_PORT_IO : CM_RESOURCE_MEMORY_READ_WRITE;
  entry->u.Generic.Start.QuadPart = (LONGLONG)start;
  entry->u.Generic.Length = length;
}

// IResourceList: a fixed number of places for pairs of descriptors.

typedef struct {
  isw_com com;
  ULONG capacity;
  PCM_RESOURCE_LIST translated, untranslated;
} list_object;

static list_object *of(PRESOURCELIST self) { return (list_object *)(void *)self; }
static PCM_PARTIAL_RESOURCE_LIST partial(PCM_RESOURCE_LIST list) { return &list->List[0].PartialResourceList; }

static ULONG number_of_entries(PRESOURCELIST self) { return partial(of(self)->translated)->Count; }

static ULONG number_of_entries_of_type(PRESOURCELIST self, CM_RESOURCE_TYPE Type) {
  PCM_PARTIAL_RESOURCE_LIST list = partial(of(self)->translated);
  ULONG count = 0;
  for (ULONG i = 0; i < list->Count; i++) count += list->PartialDescriptors[i].Type == Type;
  return count;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR find(PCM_RESOURCE_LIST resources, CM_RESOURCE_TYPE type, ULONG index) {
  PCM_PARTIAL_RESOURCE_LIST list = partial(resources);
  for (ULONG i = 0; i < list->Count; i++)
    if (list->PartialDescriptors[i].Type == type && index-- == 0) return &list->PartialDescriptors[i];
  return NULL;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR find_translated(PRESOURCELIST self, CM_RESOURCE_TYPE Type, ULONG Index) {
  return find(of(self)->translated, Type, Index);
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR find_untranslated(PRESOURCELIST self, CM_RESOURCE_TYPE Type, ULONG Index) {
  return find(of(self)->untranslated, Type, Index);
}

static NTSTATUS add_entry(PRESOURCELIST self, PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                          PCM_PARTIAL_RESOURCE_DESCRIPTOR Untranslated) {
  list_object *object = of(self);
  PCM_PARTIAL_RESOURCE_LIST translated = partial(object->translated), untranslated = partial(object->untranslated);
  if (!Translated || !Untranslated) return STATUS_INVALID_PARAMETER;
  if (translated->Count >= object->capacity) return STATUS_INSUFFICIENT_RESOURCES;
  translated->PartialDescriptors[translated->Count++] = *Translated;
  untranslated->PartialDescriptors[untranslated->Count++] = *Untranslated;
  return STATUS_SUCCESS;
}

static NTSTATUS add_entry_from_parent(PRESOURCELIST self, PRESOURCELIST Parent, CM_RESOURCE_TYPE Type, ULONG Index) {
  if (!Parent) return STATUS_INVALID_PARAMETER;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR translated = Parent->lpVtbl->FindTranslatedEntry(Parent, Type, Index);
  PCM_PARTIAL_RESOURCE_DESCRIPTOR untranslated = Parent->lpVtbl->FindUntranslatedEntry(Parent, Type, Index);
  if (!translated || !untranslated) return STATUS_INVALID_PARAMETER;
  return add_entry(self, translated, untranslated);
}

static PCM_RESOURCE_LIST translated_list(PRESOURCELIST self) { return of(self)->translated; }
static PCM_RESOURCE_LIST untranslated_list(PRESOURCELIST self) { return of(self)->untranslated; }

static const ISW_TABLE(IResourceListVtbl) table = {NULL,
                                                   NULL,
                                                   {ISW_COM_SLOTS(IResourceList),
                                                    .NumberOfEntries = number_of_entries,
                                                    .NumberOfEntriesOfType = number_of_entries_of_type,
                                                    .FindTranslatedEntry = find_translated,
                                                    .FindUntranslatedEntry = find_untranslated,
                                                    .AddEntry = add_entry,
                                                    .AddEntryFromParent = add_entry_from_parent,
                                                    .TranslatedList = translated_list,
                                                    .UntranslatedList = untranslated_list}};

static void destroy(isw_com *com) {
  list_object *object = (list_object *)com;
  free(object->translated);
  free(object->untranslated);
  free(object);
}

static NTSTATUS create(PRESOURCELIST *out, PUNKNOWN outer, ULONG capacity, INTERFACE_TYPE bus, list_object **made) {
  list_object *object =
      (list_object *)isw_com_new(sizeof *object, &table.slots, outer, destroy, &IID_IResourceList, NULL);
  if (!object) return STATUS_INSUFFICIENT_RESOURCES;
  object->capacity = capacity;
  object->translated = isw_resources_new(capacity, bus);
  object->untranslated = isw_resources_new(capacity, bus);
  if (!object->translated || !object->untranslated) {
    destroy(&object->com);
    return STATUS_INSUFFICIENT_RESOURCES;
  }
  *made = object;
  *out = isw_com_created(&object->com);
  return STATUS_SUCCESS;
}

NTSTATUS PcNewResourceList(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                           PCM_RESOURCE_LIST TranslatedResources, PCM_RESOURCE_LIST UntranslatedResources) {
  (void)PoolType;
  if (OutResourceList) *OutResourceList = NULL;
  if (!isw_require_irql("PcNewResourceList", PASSIVE_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  if (!OutResourceList || !TranslatedResources || TranslatedResources->Count != 1) return STATUS_INVALID_PARAMETER;
  PCM_RESOURCE_LIST untranslated = UntranslatedResources ? UntranslatedResources : TranslatedResources;
  ULONG count = partial(TranslatedResources)->Count;
  if (untranslated->Count != 1 || partial(untranslated)->Count != count) return STATUS_INVALID_PARAMETER;
  list_object *object;
  NTSTATUS status =
      create(OutResourceList, OuterUnknown, count, TranslatedResources->List[0].InterfaceType, &object);
  if (!NT_SUCCESS(status)) return status;
  for (ULONG i = 0; i < count; i++)
    add_entry((PRESOURCELIST)(void *)object, &partial(TranslatedResources)->PartialDescriptors[i],
              &partial(untranslated)->PartialDescriptors[i]);
  return STATUS_SUCCESS;
}

NTSTATUS PcNewResourceSublist(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                              PRESOURCELIST ParentList, ULONG MaximumEntries) {
  (void)PoolType;
  if (OutResourceList) *OutResourceList = NULL;
  if (!isw_require_irql("PcNewResourceSublist", PASSIVE_LEVEL)) return STATUS_INVALID_DEVICE_STATE;
  if (!OutResourceList || !ParentList || MaximumEntries == 0) return STATUS_INVALID_PARAMETER;
  PCM_RESOURCE_LIST parent = ParentList->lpVtbl->TranslatedList(ParentList);
  list_object *object;
  return create(OutResourceList, OuterUnknown, MaximumEntries, parent ? parent->List[0].InterfaceType : Internal,
                &object);
}

NTSTATUS InterruptSyncNewResourceList(PRESOURCELIST *OutResourceList, PDEVICE_OBJECT DeviceObject) {
  if (!DeviceObject) return STATUS_INVALID_PARAMETER;
  return PcNewResourceList(OutResourceList, NULL, NonPagedPool, InterruptSyncTranslatedResources(DeviceObject),
                           InterruptSyncUntranslatedResources(DeviceObject));
}
