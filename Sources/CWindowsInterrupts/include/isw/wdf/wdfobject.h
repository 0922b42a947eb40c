// Windows interfaces, floor 5: the framework's objects: handles, attributes, contexts, references, parents, and the
// framework's own status values. Drivers call these on any thread, up to the level that each comment gives, and need no
// lock; only handles, contexts and added references work at DIRQL. Children end before their parents, and each object's
// EvtCleanupCallback comes before its EvtDestroyCallback (N27).
#ifndef ISW_WDFOBJECT_H
#define ISW_WDFOBJECT_H

#include "../../ntstatus.h"
#include "../device.h"
#include "../memory.h"

/// Any of the handles below. A handle is valid until its object ends; a later use is reported (N27).
typedef PVOID WDFOBJECT, *PWDFOBJECT;
typedef PVOID WDFCONTEXT;

#define ISW_WDF_HANDLE(name) typedef struct name##__ *name
ISW_WDF_HANDLE(WDFDRIVER);
ISW_WDF_HANDLE(WDFDEVICE);
ISW_WDF_HANDLE(WDFINTERRUPT);
ISW_WDF_HANDLE(WDFSPINLOCK);
ISW_WDF_HANDLE(WDFWAITLOCK);
ISW_WDF_HANDLE(WDFDPC);
ISW_WDF_HANDLE(WDFWORKITEM);
ISW_WDF_HANDLE(WDFTIMER);
ISW_WDF_HANDLE(WDFCMRESLIST);
ISW_WDF_HANDLE(WDFDMAENABLER);
ISW_WDF_HANDLE(WDFCOMMONBUFFER);
#undef ISW_WDF_HANDLE

/// A device before WdfDeviceCreate.
typedef struct WDFDEVICE_INIT WDFDEVICE_INIT, *PWDFDEVICE_INIT;

#define WDF_NO_HANDLE NULL
#define WDF_NO_OBJECT_ATTRIBUTES NULL
#define WDF_NO_CONTEXT NULL
#define WDF_NO_EVENT_CALLBACK NULL
#define WDF_EXTERN_C EXTERN_C
#define WDF_EXTERN_C_START ISW_BEGIN_C
#define WDF_EXTERN_C_END ISW_END_C
#define WDFAPI

typedef enum _WDF_TRI_STATE { WdfFalse = FALSE, WdfTrue = TRUE, WdfUseDefault = 2 } WDF_TRI_STATE, *PWDF_TRI_STATE;

// The driver of the program or shared library that includes this header: one for each, as on Windows.
ISW_BEGIN_C
extern WDFDRIVER isw_wdf_driver __attribute((weak, visibility("hidden")));
ISW_END_C
WDFDRIVER isw_wdf_driver __attribute((weak, visibility("hidden"))) = NULL;

// Status values that only the framework gives. The names are Windows'; the numbers lie in the framework's facility
// (0x20). Compare by name.
#define STATUS_WDF_PARENT_NOT_SPECIFIED ((NTSTATUS)0xC0200208)
#define STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED ((NTSTATUS)0xC0200209)
#define STATUS_WDF_EXECUTION_LEVEL_INVALID ((NTSTATUS)0xC020020A)
#define STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID ((NTSTATUS)0xC020020B)
#define STATUS_WDF_INCOMPATIBLE_EXECUTION_LEVEL ((NTSTATUS)0xC020020C)

typedef VOID EVT_WDF_OBJECT_CONTEXT_CLEANUP(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_CLEANUP *PFN_WDF_OBJECT_CONTEXT_CLEANUP;
typedef VOID EVT_WDF_OBJECT_CONTEXT_DESTROY(WDFOBJECT Object);
typedef EVT_WDF_OBJECT_CONTEXT_DESTROY *PFN_WDF_OBJECT_CONTEXT_DESTROY;

typedef enum _WDF_EXECUTION_LEVEL {
  WdfExecutionLevelInvalid = 0,
  WdfExecutionLevelInheritFromParent,
  WdfExecutionLevelPassive,
  WdfExecutionLevelDispatch
} WDF_EXECUTION_LEVEL;

typedef enum _WDF_SYNCHRONIZATION_SCOPE {
  WdfSynchronizationScopeInvalid = 0,
  WdfSynchronizationScopeInheritFromParent,
  WdfSynchronizationScopeDevice,
  WdfSynchronizationScopeQueue,
  WdfSynchronizationScopeNone
} WDF_SYNCHRONIZATION_SCOPE;

/// WDF_DECLARE_CONTEXT_TYPE makes one, once in a program or shared library.
typedef struct _WDF_OBJECT_CONTEXT_TYPE_INFO {
  ULONG Size;
  PCSTR ContextName;
  size_t ContextSize;
  const struct _WDF_OBJECT_CONTEXT_TYPE_INFO *UniqueType;
} WDF_OBJECT_CONTEXT_TYPE_INFO, *PWDF_OBJECT_CONTEXT_TYPE_INFO;
typedef const WDF_OBJECT_CONTEXT_TYPE_INFO *PCWDF_OBJECT_CONTEXT_TYPE_INFO;

typedef struct _WDF_OBJECT_ATTRIBUTES {
  ULONG Size;
  /// Called for children first, up to DISPATCH_LEVEL, at the level of the delete.
  PFN_WDF_OBJECT_CONTEXT_CLEANUP EvtCleanupCallback;
  /// Called after the last reference, before the contexts' memory is freed.
  PFN_WDF_OBJECT_CONTEXT_DESTROY EvtDestroyCallback;
  /// For drivers, devices and timers.
  WDF_EXECUTION_LEVEL ExecutionLevel;
  /// For drivers and devices. With WdfSynchronizationScopeDevice the callbacks of those of the device's objects that
  /// have AutomaticSerialization exclude each other (W14).
  WDF_SYNCHRONIZATION_SCOPE SynchronizationScope;
  WDFOBJECT ParentObject;
  /// 0, or a size of the context above its type's.
  size_t ContextSizeOverride;
  PCWDF_OBJECT_CONTEXT_TYPE_INFO ContextTypeInfo;
} WDF_OBJECT_ATTRIBUTES, *PWDF_OBJECT_ATTRIBUTES;

ISW_INLINE VOID WDF_OBJECT_ATTRIBUTES_INIT(PWDF_OBJECT_ATTRIBUTES Attributes) {
  RtlZeroMemory(Attributes, sizeof *Attributes);
  Attributes->Size = sizeof *Attributes;
  Attributes->ExecutionLevel = WdfExecutionLevelInheritFromParent;
  Attributes->SynchronizationScope = WdfSynchronizationScopeInheritFromParent;
}

#define WDF_TYPE_NAME_TO_TYPE_INFO(contexttype) isw_wdf_type_of_##contexttype
#define WDF_GET_CONTEXT_TYPE_INFO(contexttype) (WDF_TYPE_NAME_TO_TYPE_INFO(contexttype).UniqueType)
#define WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(attributes, contexttype) \
  ((void)((attributes)->ContextTypeInfo = WDF_GET_CONTEXT_TYPE_INFO(contexttype)))
#define WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(attributes, contexttype) \
  (WDF_OBJECT_ATTRIBUTES_INIT(attributes), WDF_OBJECT_ATTRIBUTES_SET_CONTEXT_TYPE(attributes, contexttype))

/// Declares a context type, and the function that finds an object's context of that type. At file scope, in a header or
/// a source.
#define WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(contexttype, castingfunction)                                          \
  ISW_BEGIN_C                                                                                                     \
  extern const WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(contexttype)                               \
      __attribute((weak, visibility("hidden")));                                                                \
  ISW_END_C                                                                                                       \
  const WDF_OBJECT_CONTEXT_TYPE_INFO WDF_TYPE_NAME_TO_TYPE_INFO(contexttype) = {                                  \
      sizeof(WDF_OBJECT_CONTEXT_TYPE_INFO), #contexttype, sizeof(contexttype),                                    \
      &WDF_TYPE_NAME_TO_TYPE_INFO(contexttype)};                                                                  \
  ISW_INLINE contexttype *castingfunction(WDFOBJECT Handle) {                                                    \
    return (contexttype *)WdfObjectGetTypedContextWorker(Handle, &WDF_TYPE_NAME_TO_TYPE_INFO(contexttype));       \
  }
#define WDF_DECLARE_CONTEXT_TYPE(contexttype) \
  WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(contexttype, WdfObjectGet_##contexttype)
#define WdfObjectGetTypedContext(Handle, contexttype) \
  ((contexttype *)WdfObjectGetTypedContextWorker((WDFOBJECT)(Handle), WDF_GET_CONTEXT_TYPE_INFO(contexttype)))

ISW_BEGIN_C

/// The object's context of a type, or NULL. Takes no lock and does not allocate. Any level.
PVOID WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo);
/// The object to which this context belongs. Any level.
WDFOBJECT WdfObjectContextGetObject(PVOID ContextPointer);
/// Adds a context to an object, cleared. Up to DISPATCH_LEVEL.
///
/// STATUS_OBJECT_NAME_EXISTS (a success) if it has a context of the type: returns that one. STATUS_INVALID_HANDLE,
/// STATUS_INFO_LENGTH_MISMATCH, STATUS_OBJECT_NAME_INVALID (no type), STATUS_INVALID_PARAMETER (a parent, or a
/// ContextSizeOverride below the type's size), STATUS_DELETE_PENDING, STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS WdfObjectAllocateContext(WDFOBJECT Handle, PWDF_OBJECT_ATTRIBUTES ContextAttributes, PVOID *Context);

/// Adds a reference, which keeps an object's memory and contexts. Any level; the tag is ignored.
VOID WdfObjectReferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File);
/// Releases a reference; the last release calls EvtDestroyCallback. Up to DISPATCH_LEVEL.
VOID WdfObjectDereferenceActual(WDFOBJECT Handle, PVOID Tag, LONG Line, PCSTR File);

/// Ends an object after its children. Up to DISPATCH_LEVEL. Only the framework ends drivers, devices, interrupts and
/// resource lists: the call is reported and does nothing (W4).
VOID WdfObjectDelete(WDFOBJECT Object);

/// Takes a device's synchronization lock, which its serialized callbacks hold (W14, W37). With execution level passive
/// at PASSIVE_LEVEL, otherwise up to DISPATCH_LEVEL, to which it raises until the release. Not recursive. A device without
/// WdfSynchronizationScopeDevice, or another object, is reported and no lock is taken.
VOID WdfObjectAcquireLock(WDFOBJECT Object);
/// Releases it, on the thread that took it.
VOID WdfObjectReleaseLock(WDFOBJECT Object);

NTSTATUS WdfObjectCreateIn(WDFDRIVER Driver, PWDF_OBJECT_ATTRIBUTES Attributes, WDFOBJECT *Object);

ISW_END_C

/// Makes a general object. Its parent is the driver, unless the attributes name another. Up to DISPATCH_LEVEL.
///
/// STATUS_INVALID_PARAMETER, STATUS_INFO_LENGTH_MISMATCH, STATUS_OBJECT_NAME_INVALID, STATUS_DELETE_PENDING,
/// STATUS_WDF_EXECUTION_LEVEL_INVALID, STATUS_WDF_SYNCHRONIZATION_SCOPE_INVALID, STATUS_INSUFFICIENT_RESOURCES;
/// STATUS_INVALID_DEVICE_STATE without a parent before WdfDriverCreate.
ISW_INLINE NTSTATUS WdfObjectCreate(PWDF_OBJECT_ATTRIBUTES Attributes, WDFOBJECT *Object) {
  return WdfObjectCreateIn(isw_wdf_driver, Attributes, Object);
}

#define WdfObjectReference(Handle) WdfObjectReferenceActual((Handle), NULL, __LINE__, __FILE__)
#define WdfObjectReferenceWithTag(Handle, Tag) WdfObjectReferenceActual((Handle), (Tag), __LINE__, __FILE__)
#define WdfObjectDereference(Handle) WdfObjectDereferenceActual((Handle), NULL, __LINE__, __FILE__)
#define WdfObjectDereferenceWithTag(Handle, Tag) WdfObjectDereferenceActual((Handle), (Tag), __LINE__, __FILE__)

#endif
