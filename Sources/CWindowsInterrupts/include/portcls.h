// Windows interfaces, floor 5: the part of PortCls that serves interrupts: IResourceList, IInterruptSync, service
// sinks and groups. Drivers create, connect and register at PASSIVE_LEVEL. Service routines run on the dispatcher's
// thread and synchronized routines on their caller's, with the interrupt lock held (P1 to P40, L1 to L8 of
// docs/semantics.md). docs/windows.md says for each identifier what it does here.
#ifndef ISW_PORTCLS_H
#define ISW_PORTCLS_H

#include "wdm.h"

#include "isw/unknown.h"

// IResourceList: the resources of a device, or some of them (L1 to L6).

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
  /// The entry number `Index` among those of the type, or NULL; valid while the list lives (L2).
  STDMETHOD_(PCM_PARTIAL_RESOURCE_DESCRIPTOR, FindTranslatedEntry)(THIS_ CM_RESOURCE_TYPE Type, ULONG Index) PURE;
  STDMETHOD_(PCM_PARTIAL_RESOURCE_DESCRIPTOR, FindUntranslatedEntry)(THIS_ CM_RESOURCE_TYPE Type, ULONG Index) PURE;
  /// STATUS_INSUFFICIENT_RESOURCES if the list is full (L3).
  STDMETHOD_(NTSTATUS, AddEntry)(THIS_ PCM_PARTIAL_RESOURCE_DESCRIPTOR Translated,
                                 PCM_PARTIAL_RESOURCE_DESCRIPTOR Untranslated) PURE;
  /// The same, and STATUS_INVALID_PARAMETER if the parent has no such entry (L3).
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
// The convenience calls of L5 for a list `l`, for C.
#define IResourceList_NumberOfInterrupts(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeInterrupt))
#define IResourceList_NumberOfPorts(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypePort))
#define IResourceList_NumberOfMemories(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeMemory))
#define IResourceList_NumberOfDmas(l) ((l)->lpVtbl->NumberOfEntriesOfType((l), CmResourceTypeDma))
#define IResourceList_FindTranslatedInterrupt(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypeInterrupt, n))
#define IResourceList_FindTranslatedPort(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypePort, n))
#define IResourceList_FindTranslatedMemory(l, n) ((l)->lpVtbl->FindTranslatedEntry((l), CmResourceTypeMemory, n))
#endif

ISW_BEGIN_C
/// Makes a list from copies of the two lists, which must have the same number of descriptors. If the untranslated one
/// is NULL, the translated one serves for both. PASSIVE_LEVEL. STATUS_INVALID_PARAMETER, STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS PcNewResourceList(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                           PCM_RESOURCE_LIST TranslatedResources, PCM_RESOURCE_LIST UntranslatedResources);
/// Makes an empty list with room for `MaximumEntries` entries of the parent's. It keeps no reference to the parent
/// (L6). PASSIVE_LEVEL. The same errors.
NTSTATUS PcNewResourceSublist(PRESOURCELIST *OutResourceList, PUNKNOWN OuterUnknown, POOL_TYPE PoolType,
                              PRESOURCELIST ParentList, ULONG MaximumEntries);
ISW_END_C

// IInterruptSync: an interrupt, a list of service routines and a lock.

struct IInterruptSync;
struct IResourceList;

/// A service routine or synchronized routine (P6). As a service routine, STATUS_SUCCESS claims the interrupt.
typedef NTSTATUS (*PINTERRUPTSYNCROUTINE)(struct IInterruptSync *InterruptSync, PVOID DynamicContext);

/// How an interrupt walks the list. Fixed for the life of the object (P4, P15 to P17).
typedef enum {
  InterruptSyncModeNormal = 1,
  InterruptSyncModeAll = 2,
  InterruptSyncModeRepeat = 3
} INTERRUPTSYNCMODE;

ISW_BEGIN_C
DEFINE_GUID(IID_IInterruptSync, 0x22C6AC63, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
ISW_END_C

#undef INTERFACE
#define INTERFACE IInterruptSync
/// References as in COM (P2). The last Release disconnects and drains (P25, N12).
DECLARE_INTERFACE_(IInterruptSync, IUnknown) {
  DEFINE_ABSTRACT_UNKNOWN()
  /// Runs the routine in the calling thread, mutually exclusive with the service routines and other synchronized
  /// routines, whether connected or not (P30 to P34). Up to the interrupt's level. Returns the routine's own status
  /// (P33), or STATUS_POSSIBLE_DEADLOCK, without running it, if the caller is inside a routine already (N4).
  STDMETHOD_(NTSTATUS, CallSynchronizedRoutine)(THIS_ PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext) PURE;
  /// The interrupt object of the current connection, or NULL (P28, N14). Any level.
  STDMETHOD_(PKINTERRUPT, GetKInterrupt)(THIS) PURE;
  /// Connects. Service routines may run before this returns (P22). PASSIVE_LEVEL. STATUS_INVALID_DEVICE_STATE if
  /// connected already (N9) and at a wrong level, STATUS_UNSUCCESSFUL without a service routine (N9),
  /// STATUS_POSSIBLE_DEADLOCK inside a routine; errors of the device: N16.
  STDMETHOD_(NTSTATUS, Connect)(THIS) PURE;
  /// Disconnects. When it returns, no service routine runs and none will start (N11). The list stays (P24). Does
  /// nothing if not connected (P26). PASSIVE_LEVEL; inside a routine it is reported, and does nothing.
  STDMETHOD_(VOID, Disconnect)(THIS) PURE;
  /// Adds a service routine, with First TRUE at the head of the list (P10, P11). Connected or not (P13, N7).
  /// PASSIVE_LEVEL. STATUS_INVALID_PARAMETER for NULL.
  STDMETHOD_(NTSTATUS, RegisterServiceRoutine)(THIS_ PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext,
                                               BOOLEAN First) PURE;
};
#undef INTERFACE
typedef struct IInterruptSync *PINTERRUPTSYNC;

#ifdef __cplusplus
/// The methods' declarations for a class that implements the interface.
#define IMP_IInterruptSync                                                                                        \
  STDMETHODIMP_(NTSTATUS) CallSynchronizedRoutine(PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext) override;  \
  STDMETHODIMP_(PKINTERRUPT) GetKInterrupt(void) override;                                                        \
  STDMETHODIMP_(NTSTATUS) Connect(void) override;                                                                 \
  STDMETHODIMP_(VOID) Disconnect(void) override;                                                                  \
  STDMETHODIMP_(NTSTATUS)                                                                                         \
  RegisterServiceRoutine(PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext, BOOLEAN First) override
#endif

ISW_BEGIN_C
/// Makes a sync object for the interrupt entry `ResourceIndex` of the list (P1 to P3). The caller owns the reference.
/// With an OuterUnknown the object is aggregated: the result is its own IUnknown, whose interfaces take identity and
/// lifetime from the outer object. PASSIVE_LEVEL.
///
/// STATUS_INVALID_PARAMETER: no OutInterruptSync, no list, no such mode, an index beyond the list (N15).
/// STATUS_NOT_FOUND: the entry's device has been deleted. STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS PcNewInterruptSync(PINTERRUPTSYNC *OutInterruptSync, PUNKNOWN OuterUnknown,
                            struct IResourceList *ResourceList, ULONG ResourceIndex, INTERRUPTSYNCMODE Mode);
ISW_END_C

// Intervals in 100-nanosecond units.

#define GTI_SECONDS(t) ((ULONGLONG)(t) * 10000000)
#define GTI_MILLISECONDS(t) ((ULONGLONG)(t) * 10000)
#define GTI_MICROSECONDS(t) ((ULONGLONG)(t) * 10)

ISW_BEGIN_C
/// The time since `Since`, which is 0 or what the call returned when it was given 0: CLOCK_MONOTONIC. Any level.
ULONGLONG PcGetTimeInterval(ULONGLONG Since);
ISW_END_C

// Service sinks and groups: the deferred half of an interrupt (P38).

ISW_BEGIN_C
DEFINE_GUID(IID_IServiceSink, 0x22C6AC64, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
DEFINE_GUID(IID_IServiceGroup, 0x22C6AC65, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
ISW_END_C

#undef INTERFACE
#define INTERFACE IServiceSink
DECLARE_INTERFACE_(IServiceSink, IUnknown) {
  DEFINE_ABSTRACT_UNKNOWN()
  /// A sink does its deferred work, at DISPATCH_LEVEL. A group queues the DPC that calls every member, at any level.
  STDMETHOD_(VOID, RequestService)(THIS) PURE;
};
#undef INTERFACE
typedef struct IServiceSink *PSERVICESINK;

#undef INTERFACE
#define INTERFACE IServiceGroup
DECLARE_INTERFACE_(IServiceGroup, IServiceSink) {
#ifndef __cplusplus
  DEFINE_ABSTRACT_UNKNOWN()
  STDMETHOD_(VOID, RequestService)(THIS) PURE;
#endif
  /// Adds a sink; the group keeps a reference to it. Up to DISPATCH_LEVEL. STATUS_INSUFFICIENT_RESOURCES.
  STDMETHOD_(NTSTATUS, AddMember)(THIS_ PSERVICESINK Sink) PURE;
  /// Removes the sink and releases its reference. A service that runs already may still call it once.
  STDMETHOD_(VOID, RemoveMember)(THIS_ PSERVICESINK Sink) PURE;
  /// Delayed service does not exist here: the call is reported, and a request is served without a delay.
  STDMETHOD_(VOID, SupportDelayedService)(THIS) PURE;
  STDMETHOD_(VOID, RequestDelayedService)(THIS_ ULONGLONG Delay) PURE;
  STDMETHOD_(VOID, CancelDelayedService)(THIS) PURE;
};
#undef INTERFACE
typedef struct IServiceGroup *PSERVICEGROUP;

#ifdef __cplusplus
#define IMP_IServiceSink STDMETHODIMP_(VOID) RequestService(void) override
#endif

ISW_BEGIN_C
/// Makes a group. The caller owns the reference. PASSIVE_LEVEL. STATUS_INVALID_PARAMETER,
/// STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS PcNewServiceGroup(PSERVICEGROUP *OutServiceGroup, PUNKNOWN OuterUnknown);
ISW_END_C

#endif
