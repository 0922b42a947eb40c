// IInterruptSync: an interrupt, a list of service routines and a lock.
#ifndef ISW_INTERRUPT_SYNC_H
#define ISW_INTERRUPT_SYNC_H

#include "interrupt.h"
#include "unknown.h"

struct IInterruptSync;
struct IResourceList;

/// A service routine or synchronized routine (P6). As a service routine, STATUS_SUCCESS claims the interrupt.
typedef NTSTATUS (*PINTERRUPTSYNCROUTINE)(struct IInterruptSync *InterruptSync, PVOID DynamicContext);

/// In which manner an interrupt walks the list; fixed for life (P4, P15 to P17).
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
  /// Runs the routine in the calling thread, exclusive of the service routines and of other synchronized routines,
  /// connected or not (P30 to P34). Up to the interrupt's level. Its own status (P33); STATUS_POSSIBLE_DEADLOCK
  /// without running it for a caller that is inside already (N4).
  STDMETHOD_(NTSTATUS, CallSynchronizedRoutine)(THIS_ PINTERRUPTSYNCROUTINE Routine, PVOID DynamicContext) PURE;
  /// The interrupt object of the present connection, or NULL (P28, N14). Any level.
  STDMETHOD_(PKINTERRUPT, GetKInterrupt)(THIS) PURE;
  /// Connects. Service routines may run before this returns (P22). PASSIVE_LEVEL. STATUS_INVALID_DEVICE_STATE when
  /// connected already (N9) and at the wrong level, STATUS_UNSUCCESSFUL without a service routine (N9),
  /// STATUS_POSSIBLE_DEADLOCK inside a routine; of the device: N16.
  STDMETHOD_(NTSTATUS, Connect)(THIS) PURE;
  /// Disconnects. When it returns no service routine runs and none will start (N11). The list stays (P24); harmless
  /// when not connected (P26). PASSIVE_LEVEL; inside a routine it is reported and nothing happens.
  STDMETHOD_(VOID, Disconnect)(THIS) PURE;
  /// Adds a service routine: First TRUE puts it ahead of all so far (P10, P11). Connected or not (P13, N7).
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
/// With an OuterUnknown the object is aggregated: what comes back is its own IUnknown, whose interfaces refer to the
/// outer object for identity and lifetime. PASSIVE_LEVEL.
///
/// STATUS_INVALID_PARAMETER: no place for it, no list, a mode that is none, an index beyond the list (N15).
/// STATUS_NOT_FOUND: the device behind the entry has been deleted. STATUS_INSUFFICIENT_RESOURCES.
NTSTATUS PcNewInterruptSync(PINTERRUPTSYNC *OutInterruptSync, PUNKNOWN OuterUnknown,
                            struct IResourceList *ResourceList, ULONG ResourceIndex, INTERRUPTSYNCMODE Mode);
ISW_END_C

#endif
