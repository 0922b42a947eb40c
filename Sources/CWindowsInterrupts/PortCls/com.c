// Floor 5, room PortCls. Identity, reference counts and aggregation of the library's own COM objects, and the interface
// identifiers, which this file defines once for the library. interrupt_sync.c, resource_list.c and service_group.c make
// objects with it; drivers call the tables on any thread at any level. Counts are atomic, no lock is taken. The thread
// of the last Release runs `destroy`.
#define INITGUID
#include "com.h"

#include <stdlib.h>

static isw_com *from_inner(PUNKNOWN inner) { return CONTAINING_RECORD(inner, isw_com, inner_table); }

static NTSTATUS inner_query(PUNKNOWN self, REFIID id, PVOID *out) {
  isw_com *object = from_inner(self);
  if (!out || !id) return STATUS_INVALID_PARAMETER;
  if (IsEqualGUID(id, &IID_IUnknown)) {
    *out = self;
    self->lpVtbl->AddRef(self);
    return STATUS_SUCCESS;
  }
  for (const GUID **known = object->identifiers; *known; known++) {
    if (!IsEqualGUID(id, *known)) continue;
    *out = object;
    // Counted where the interface's own AddRef counts.
    object->outer->lpVtbl->AddRef(object->outer);
    return STATUS_SUCCESS;
  }
  *out = NULL;
  return STATUS_INVALID_PARAMETER;
}

static ULONG inner_add_ref(PUNKNOWN self) { return (ULONG)InterlockedIncrement(&from_inner(self)->references); }

static ULONG inner_release(PUNKNOWN self) {
  isw_com *object = from_inner(self);
  LONG left = InterlockedDecrement(&object->references);
  if (left == 0) {
    InterlockedIncrement(&object->references);
    object->destroy(object);
  } else if (left < 0) {
    InterruptSyncReportViolation("IUnknown::Release", "P2", "released more often than referenced");
  }
  return (ULONG)left;
}

static const ISW_TABLE(IUnknownVtbl) inner_table = {
    NULL, NULL, {.QueryInterface = inner_query, .AddRef = inner_add_ref, .Release = inner_release}};

isw_com *isw_com_new(size_t size, const void *table, PUNKNOWN outer, void (*destroy)(isw_com *), const GUID *first,
                     const GUID *second) {
  isw_com *object = calloc(1, size);
  if (!object) return NULL;
  object->table = table;
  object->inner_table = &inner_table.slots;
  object->outer = outer ? outer : (PUNKNOWN)(void *)&object->inner_table;
  object->references = 1;
  object->identifiers[0] = first;
  object->identifiers[1] = second;
  object->destroy = destroy;
  return object;
}

void *isw_com_created(isw_com *object) {
  bool aggregated = object->outer != (PUNKNOWN)(void *)&object->inner_table;
  return aggregated ? (void *)&object->inner_table : (void *)object;
}

NTSTATUS isw_com_query(isw_com *object, REFIID id, PVOID *out) {
  return object->outer->lpVtbl->QueryInterface(object->outer, id, out);
}
ULONG isw_com_add_ref(isw_com *object) { return object->outer->lpVtbl->AddRef(object->outer); }
ULONG isw_com_release(isw_com *object) { return object->outer->lpVtbl->Release(object->outer); }
