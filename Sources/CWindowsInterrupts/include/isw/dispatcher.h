// Windows interfaces, floor 5: dispatcher objects, for which threads wait: events, semaphores, mutexes and timers; also
// fast mutexes and remove locks. Drivers call these on any thread: they wait up to APC_LEVEL and signal up to
// DISPATCH_LEVEL, so not in an ISR at DIRQL. Each object begins with one header, which holds the state and the list of
// waiting threads (D9); the objects' lock guards all of them. An object lies in the driver's memory and has no call
// that ends it; do not free the memory of a timer that is set.
#ifndef ISW_DISPATCHER_H
#define ISW_DISPATCHER_H

#include "deferred.h"
#include "types.h"

// Waiting.

typedef LONG KPRIORITY;

#define IO_NO_INCREMENT 0
#define IO_DISK_INCREMENT 1
#define IO_NETWORK_INCREMENT 2
#define IO_SERIAL_INCREMENT 2
#define IO_SOUND_INCREMENT 8
#define EVENT_INCREMENT 1
#define SEMAPHORE_INCREMENT 1

typedef enum _WAIT_TYPE { WaitAll, WaitAny } WAIT_TYPE;

/// For Windows' debuggers; has no effect.
typedef enum _KWAIT_REASON {
  Executive,
  FreePage,
  PageIn,
  PoolAllocation,
  DelayExecution,
  Suspended,
  UserRequest
} KWAIT_REASON;

#define MAXIMUM_WAIT_OBJECTS 64
#define THREAD_WAIT_OBJECTS 3

/// The fields belong to the system. An object must not move while it is in use.
typedef struct _DISPATCHER_HEADER {
  UCHAR Type;
  /// Signalled if above 0.
  LONG SignalState;
  LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

/// Room for one object of KeWaitForMultipleObjects. The fields belong to the system.
typedef struct _KWAIT_BLOCK {
  LIST_ENTRY WaitListEntry;
  PVOID Waiter;
  PVOID Object;
  USHORT WaitKey;
} KWAIT_BLOCK, *PKWAIT_BLOCK, *PRKWAIT_BLOCK;

ISW_BEGIN_C

/// Waits for an event, a semaphore, a mutex or a timer (D9).
///
/// `Timeout` is in units of 100 ns: negative from now, positive a system time (KeQuerySystemTime); zero does not wait,
/// NULL waits without limit. Up to APC_LEVEL; with a zero timeout up to DISPATCH_LEVEL. At a level that forbids
/// waiting, the call is reported (D5) and acts as with a zero timeout. `WaitReason`, `WaitMode` and `Alertable` have no
/// effect: APCs do not exist.
///
/// STATUS_SUCCESS; STATUS_TIMEOUT, which is a success code, too; STATUS_INVALID_PARAMETER, reported, if the object is
/// not an initialised one.
NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout);

/// Waits for one (WaitAny) or all (WaitAll) of up to MAXIMUM_WAIT_OBJECTS objects; WaitAll takes all in one step (D9).
///
/// `WaitBlockArray` has one block for each object, which the system uses until the call returns; it may be NULL for up
/// to THREAD_WAIT_OBJECTS. For the other arguments see KeWaitForSingleObject.
///
/// WaitAny: STATUS_WAIT_0 + index of the object; WaitAll: STATUS_SUCCESS. STATUS_TIMEOUT. STATUS_INVALID_PARAMETER,
/// reported, for a count out of range or missing blocks.
NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray);

/// Sleeps, in units of 100 ns: a negative interval from now, else until that system time. Up to APC_LEVEL; above that
/// level the call is reported (D5) and returns STATUS_INVALID_DEVICE_STATE at once. STATUS_SUCCESS.
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval);

ISW_END_C

/// APCs do not exist here, so these do nothing.
ISW_INLINE VOID KeEnterCriticalRegion(VOID) {}
ISW_INLINE VOID KeLeaveCriticalRegion(VOID) {}

// Events: a flag that threads wait for (D6).

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;

typedef struct _KEVENT {
  DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;

ISW_BEGIN_C

/// A NotificationEvent stays signalled and releases all waiting threads; a SynchronizationEvent releases one and then
/// is not signalled. Any level.
VOID KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State);
/// Signals, and returns the previous state. Does not allocate. `Increment` has no effect. `Wait` lowers the limit of
/// the level to APC_LEVEL and has no other effect. Up to DISPATCH_LEVEL; above that level the call is reported and does
/// nothing.
LONG KeSetEvent(PKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
/// Resets the event to not signalled. Up to DISPATCH_LEVEL.
VOID KeClearEvent(PKEVENT Event);
/// The same, and returns the previous state.
LONG KeResetEvent(PKEVENT Event);
/// The state now. Any level.
LONG KeReadStateEvent(PKEVENT Event);

ISW_END_C

// Semaphores: a count that each satisfied wait lowers by one (D7).

typedef struct _KSEMAPHORE {
  DISPATCHER_HEADER Header;
  LONG Limit;
} KSEMAPHORE, *PKSEMAPHORE, *PRKSEMAPHORE;

ISW_BEGIN_C

/// `Count` from 0 to `Limit`, `Limit` at least 1. Any level.
VOID KeInitializeSemaphore(PKSEMAPHORE Semaphore, LONG Count, LONG Limit);
/// Adds `Adjustment`, and returns the previous count. An adjustment that is not positive, or leads above the limit, is
/// reported and not added. For `Increment` and `Wait` see KeSetEvent. Up to DISPATCH_LEVEL; above that level the call
/// is reported and does nothing.
LONG KeReleaseSemaphore(PKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait);
/// The count now. Any level.
LONG KeReadStateSemaphore(PKSEMAPHORE Semaphore);

ISW_END_C

// Mutexes, which threads wait for (D8), and fast mutexes, which they acquire (D10).

typedef struct _KMUTEX {
  DISPATCHER_HEADER Header;
  ULONG OwnerThread;
} KMUTEX, *PKMUTEX, *PRKMUTEX, KMUTANT, *PKMUTANT, *PRKMUTANT;

/// The fields belong to the system.
typedef struct _FAST_MUTEX {
  struct {
    ULONG Word, Reserved;
    ULONG64 Contentions, LongestWait;
  } Lock;
  KIRQL OldIrql;
} FAST_MUTEX, *PFAST_MUTEX;

ISW_BEGIN_C

/// Makes a free mutex. `Level` has no effect. Any level.
VOID KeInitializeMutex(PKMUTEX Mutex, ULONG Level);
/// Undoes one wait of the calling thread. Returns the previous state: 0 if the mutex is free now, negative while the
/// thread still owns it. A caller that does not own it is reported. For `Wait` see KeSetEvent. Up to DISPATCH_LEVEL.
LONG KeReleaseMutex(PKMUTEX Mutex, BOOLEAN Wait);
/// 1 if it is free. Any level.
LONG KeReadStateMutex(PKMUTEX Mutex);

/// Any level.
VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex);
/// Acquires it, with priority inheritance while it waits, and raises to APC_LEVEL. Up to APC_LEVEL. Not recursive: a
/// caller that owns it is reported and goes on, and its first release frees the mutex.
VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex);
/// TRUE if it was free and the caller owns it now. Up to APC_LEVEL.
BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex);
/// Releases it and restores the level. Call it as the owner, at APC_LEVEL; any other call is reported.
VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex);
/// The same two without a change of level.
VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex);
VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex);

ISW_END_C

// Timers: at a time they become signalled and queue a DPC (D11). One thread serves all; the first timer starts it.

typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;

/// The fields belong to the system. A timer must not move or end while it is set.
typedef struct _KTIMER {
  DISPATCHER_HEADER Header;
  LIST_ENTRY TimerListEntry;
  /// Nanoseconds of the queue's clock.
  ULONGLONG DueTime;
  PKDPC Dpc;
  LONG Period;
  BOOLEAN IsSet;
  UCHAR Clock;
} KTIMER, *PKTIMER, *PRKTIMER;

ISW_BEGIN_C

/// Makes a NotificationTimer that is not set. A timer that is set at the same address is cancelled. The first call in a
/// process starts the thread and needs PASSIVE_LEVEL; later calls any level.
VOID KeInitializeTimer(PKTIMER Timer);
VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);
/// Resets the timer to not signalled and sets it for `DueTime`, in units of 100 ns: negative from now, else a system
/// time. TRUE if it was set already; the earlier time no longer counts. `Dpc` may be NULL. Up to DISPATCH_LEVEL; above
/// that level the call is reported and does nothing.
BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);
/// The same, and every `Period` milliseconds after that, unless `Period` is 0; a negative one is reported.
BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);
/// TRUE if it was set; it will not expire. Does not change the state, and does not remove a queued DPC. Up to
/// DISPATCH_LEVEL.
BOOLEAN KeCancelTimer(PKTIMER Timer);
/// TRUE if signalled. Any level.
BOOLEAN KeReadStateTimer(PKTIMER Timer);

ISW_END_C

// Remove locks: count the users of a device, and wait until all of them have finished (D13).

/// In the driver's memory. The fields belong to the system.
typedef struct _IO_REMOVE_LOCK {
  BOOLEAN Removed;
  LONG IoCount;
  KEVENT RemoveEvent;
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;

ISW_BEGIN_C

/// `AllocateTag`, `MaxLockedMinutes` and `HighWatermark` have no effect. PASSIVE_LEVEL.
VOID IoInitializeRemoveLock(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark);
/// STATUS_SUCCESS: undo it with one IoReleaseRemoveLock. STATUS_DELETE_PENDING once the removal has begun: there is
/// nothing to undo. `Tag` has no effect. Up to DISPATCH_LEVEL; above that level the call is reported, counts nothing,
/// and returns STATUS_INVALID_DEVICE_STATE.
NTSTATUS IoAcquireRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Undoes one acquisition; one release too many is reported and does nothing. Up to DISPATCH_LEVEL.
VOID IoReleaseRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Begins the removal, undoes the caller's acquisition, and waits until all others are undone. Call it once.
/// PASSIVE_LEVEL; above that level the call is reported and does nothing.
VOID IoReleaseRemoveLockAndWait(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);

ISW_END_C

#endif
