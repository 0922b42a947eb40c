// Floor 5, room PortCls: the base of the library's own COM objects: identity, reference count and aggregation.
// interrupt_sync.c, resource_list.c and service_group.c build theirs on it. Any thread, any level; counts are atomic,
// no lock. The thread of the last Release runs `destroy`.
#ifndef ISW_COM_H
#define ISW_COM_H

#include "isw/core.h"
#include "portcls.h"

/// An object with one interface. Its first word is that interface's table, so a pointer to it is a pointer to the
/// interface; the second is the table of its own unknown, which an outer object holds.
typedef struct isw_com {
  const void *table;
  const struct IUnknownVtbl *inner_table;
  /// Decides identity and lifetime: the outer object, or this object's inner unknown.
  PUNKNOWN outer;
  LONG references;
  const GUID *identifiers[3];
  /// Called for the last reference.
  void (*destroy)(struct isw_com *object);
} isw_com;

/// Prepares an object of `size` bytes, cleared, with one reference; NULL without memory. `identifiers` of its
/// interfaces, at most two, ended by NULL.
isw_com *isw_com_new(size_t size, const void *table, PUNKNOWN outer, void (*destroy)(isw_com *),
                     const GUID *first, const GUID *second);
/// The creator's result: the object, or its own unknown if it is aggregated (P2).
void *isw_com_created(isw_com *object);

NTSTATUS isw_com_query(isw_com *object, REFIID id, PVOID *out);
ULONG isw_com_add_ref(isw_com *object);
ULONG isw_com_release(isw_com *object);

/// The first three slots of a table, for an interface type.
#define ISW_COM_SLOTS(type)                                                                                       \
  .QueryInterface = (NTSTATUS(*)(type *, REFIID, PVOID *))(void (*)(void))isw_com_query,                          \
  .AddRef = (ULONG(*)(type *))(void (*)(void))isw_com_add_ref,                                                    \
  .Release = (ULONG(*)(type *))(void (*)(void))isw_com_release

/// A table in the layout of C++: before the first slot stand the offset to top and the type information, both 0.
#define ISW_TABLE(type)                                                                                           \
  struct {                                                                                                        \
    const void *offset_to_top, *type_information;                                                                 \
    type slots;                                                                                                   \
  }

#endif
