// Service sinks and groups: the deferred half of an interrupt (P38).
#ifndef ISW_SERVICE_GROUP_H
#define ISW_SERVICE_GROUP_H

#include "unknown.h"

ISW_BEGIN_C
DEFINE_GUID(IID_IServiceSink, 0x22C6AC64, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
DEFINE_GUID(IID_IServiceGroup, 0x22C6AC65, 0x851B, 0x11D0, 0x9A, 0x7F, 0x00, 0xAA, 0x00, 0x38, 0xAC, 0xFE);
ISW_END_C

#undef INTERFACE
#define INTERFACE IServiceSink
DECLARE_INTERFACE_(IServiceSink, IUnknown) {
  DEFINE_ABSTRACT_UNKNOWN()
  /// On a sink: do the deferred work, at DISPATCH_LEVEL. On a group: queue the DPC that calls every member, any level.
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
  /// Adds a sink, of which the group keeps a reference. Up to DISPATCH_LEVEL. STATUS_INSUFFICIENT_RESOURCES.
  STDMETHOD_(NTSTATUS, AddMember)(THIS_ PSERVICESINK Sink) PURE;
  /// Takes it out and gives its reference back. A service that runs may still call it once.
  STDMETHOD_(VOID, RemoveMember)(THIS_ PSERVICESINK Sink) PURE;
  /// Delayed service is not to be had: reported, and the request is served without a delay.
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
