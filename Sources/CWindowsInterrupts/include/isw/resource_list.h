// IResourceList: what a device has, or a part of it (L1 to L6).
#ifndef ISW_RESOURCE_LIST_H
#define ISW_RESOURCE_LIST_H

#include "memory.h"
#include "resource.h"
#include "unknown.h"

typedef int CM_RESOURCE_TYPE;

ISW_BEGIN_C
DEFINE_GUID(IID_IResourceList, 0x22C6AC60, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
ISW_END_C

#undef INTERFACE
#define INTERFACE IResourceList
DECLARE_INTERFACE_(IResourceList, IUnknown) {
  DEFINE_ABSTRACT_UNKNOWN()
  STDMETHOD_(ULONG, NumberOfEntries)(THIS) PURE;
  STDMETHOD_(ULONG, NumberOfEntriesOfType)(THIS_ CM_RESOURCE_TYPE Type) PURE;
  /// The entry of that ordinal among those of the type, or NULL; valid while the list lives (L2).
  STDMETHOD_(PCM_PARTIAL_RESOURCE_DESCRIPTOR, FindTranslatedEntry)(THIS_ CM_RESOURCE_TYPE Type, ULONG Index) PURE;
  STDMETHOD_(PCM_PARTIAL_RESOURCE_DESCRIPTOR, FindUntranslatedEntry)(THIS_ CM_RESOURCE_TYPE Type, ULONG Index) PURE;
  /// STATUS_INSUFFICIENT_RESOURCES when the list is full (L3).
  STDMETHOD_(NTSTATUS, AddEntry)(THIS_ PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                                 PCM_PARTIAL_RESOURCE_DESCRIPTOR Untranslated) PURE;
  /// The same, and STATUS_INVALID_PARAMETER when the parent has no such entry (L3).
  STDMETHOD_(NTSTATUS, AddEntryFromParent)(THIS_ struct IResourceList * Parent, CM_RESOURCE_TYPE Type,
                                           ULONG Index) PURE;
  STDMETHOD_(PCM_RESOURCE_LIST, TranslatedList)(THIS) PURE;
  STDMETHOD_(PCM_RESOURCE_LIST, UntranslatedList)(THIS) PURE;
#ifdef __cplusplus
#define ISW_OF_TYPE(plural, singular, type)                                                                       \
  ULONG NumberOf##plural() { return NumberOfEntriesOfType(type); }                                                \
  PCM_PARTIAL_RESOURCE_DESCRIPTOR FindTranslated##singular(ULONG n) { return FindTranslatedEntry(type, n); }      \
  PCM_PARTIAL_RESOURCE_DESCRIPTOR FindUntranslated##singular(ULONG n) { return FindUntranslatedEntry(type, n); }  \
  NTSTATUS Add##singular##FromParent(IResourceList *p, ULONG n) { return AddEntryFromParent(p, type, n); }
  ISW_OF_TYPE(Interrupts, Interrupt, CmResourceTypeInterrupt)
  ISW_OF_TYPE(Ports, Port, CmResourceTypePort)
  ISW_OF_TYPE(Memories, Memory, CmResourceTypeMemory)
  ISW_OF_TYPE(Dmas, Dma, CmResourceTypeDma)
#undef ISW_OF_TYPE
#endif
};
#undef INTERFACE
typedef struct IResourceList *PRESOURCELIST;

#ifndef __cplusplus
// The convenience calls of L5 for a list `l`, as C spells them.
#define IResourceList_NumberOfInterrupts(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeInterrupt))
#define IResourceList_NumberOfPorts(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypePort))
#define IResourceList_NumberOfMemories(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeMemory))
#define IResourceList_NumberOfDmas(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeDma))
#define IResourceList_FindTranslatedInterrupt(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypeInterrupt, n))
#define IResourceList_FindTranslatedPort(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypePort, n))
#define IResourceList_FindTranslatedMemory(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypeMemory, n))
#endif

ISW_BEGIN_C
/// Wraps copies of the two lists, which must have the same number of descriptors; the untranslated one may be NULL
/// and is then the translated one. PASSIVE_LEVEL. STATUS_INVALID_PARAMETER, STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS PcNewResourceList(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                           PCM_RESOURCE_LIST TranslatedResources, PCM_RESOURCE_LIST UntranslatedResources);
/// An empty list with room for `MaximumEntries` entries of the parent's, of which it keeps no reference (L6).
/// PASSIVE_LEVEL. Same errors.
NTSTATUS PcNewResourceSublist(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                              PRESOURCELIST ParentList, ULONG MaximumEntries);
ISW_END_C

#endif
