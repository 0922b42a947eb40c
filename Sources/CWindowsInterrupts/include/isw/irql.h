// Windows interfaces, floor 5. Interrupt request levels and executive spin locks. Drivers call these on any thread: the
// levels anywhere, spin locks up to DISPATCH_LEVEL, so not in an ISR at DIRQL. The level belongs to the calling thread
// and serves the checks; exclusion comes from locks (N23). Spin locks block with priority inheritance (N6). An
// interrupt can be connected with one, which is then its interrupt lock (K7).
#ifndef ISW_IRQL_H
#define ISW_IRQL_H

#include "types.h"

#define PASSIVE_LEVEL 0
#define LOW_LEVEL 0
#define APC_LEVEL 1
#define DISPATCH_LEVEL 2
#define CLOCK_LEVEL 13
#define IPI_LEVEL 14
#define POWER_LEVEL 14
#define PROFILE_LEVEL 15
#define HIGH_LEVEL 15

/// Zero before its first use; KeInitializeSpinLock sets it to zero.
typedef ULONG_PTR KSPIN_LOCK, *PKSPIN_LOCK;

typedef struct _KLOCK_QUEUE_HANDLE {
  PKSPIN_LOCK Lock;
  KIRQL OldIrql;
} KLOCK_QUEUE_HANDLE, *PKLOCK_QUEUE_HANDLE;

ISW_BEGIN_C

/// The calling thread's level: DISPATCH_LEVEL in DPCs, the interrupt's own in its routines. Any level.
KIRQL KeGetCurrentIrql(VOID);
/// Raises the level and returns the previous one; a lower one is reported and not set (D5).
VOID KfRaiseIrql(KIRQL NewIrql, PKIRQL OldIrql);
#define KeRaiseIrql(NewIrql, OldIrql) KfRaiseIrql((NewIrql), (OldIrql))
KIRQL KeRaiseIrqlToDpcLevel(VOID);
/// Restores a level; a higher one is reported and not set (D5).
VOID KeLowerIrql(KIRQL NewIrql);

VOID KeInitializeSpinLock(PKSPIN_LOCK SpinLock);
/// Acquires the lock and raises to DISPATCH_LEVEL. A caller above that level (K23), and a caller that holds the lock
/// already (K24), are reported. The latter goes on without a deadlock, and the matching release does nothing.
KIRQL KeAcquireSpinLockRaiseToDpc(PKSPIN_LOCK SpinLock);
#define KeAcquireSpinLock(SpinLock, OldIrql) ((void)(*(OldIrql) = KeAcquireSpinLockRaiseToDpc(SpinLock)))
VOID KeReleaseSpinLock(PKSPIN_LOCK SpinLock, KIRQL NewIrql);
/// At DISPATCH_LEVEL; a lower level is reported.
VOID KeAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
VOID KeReleaseSpinLockFromDpcLevel(PKSPIN_LOCK SpinLock);
/// TRUE if the lock was free and the caller holds it now. At DISPATCH_LEVEL.
BOOLEAN KeTryToAcquireSpinLockAtDpcLevel(PKSPIN_LOCK SpinLock);
/// TRUE if no thread holds it at this moment. Any level.
BOOLEAN KeTestSpinLock(PKSPIN_LOCK SpinLock);

ISW_END_C

/// For routines of threaded DPCs, which may run at either level (D14).
ISW_INLINE KIRQL KeAcquireSpinLockForDpc(PKSPIN_LOCK SpinLock) { return KeAcquireSpinLockRaiseToDpc(SpinLock); }
ISW_INLINE VOID KeReleaseSpinLockForDpc(PKSPIN_LOCK SpinLock, KIRQL OldIrql) { KeReleaseSpinLock(SpinLock, OldIrql); }

ISW_INLINE VOID KeAcquireInStackQueuedSpinLock(PKSPIN_LOCK SpinLock, PKLOCK_QUEUE_HANDLE LockHandle) {
  LockHandle->Lock = SpinLock;
  LockHandle->OldIrql = KeAcquireSpinLockRaiseToDpc(SpinLock);
}

ISW_INLINE VOID KeReleaseInStackQueuedSpinLock(PKLOCK_QUEUE_HANDLE LockHandle) {
  KeReleaseSpinLock(LockHandle->Lock, LockHandle->OldIrql);
}

#endif
