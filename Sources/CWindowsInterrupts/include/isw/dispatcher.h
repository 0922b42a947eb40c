// Dispatcher objects: what a thread waits for. Events, semaphores, mutexes and timers begin with one header, which
// holds the state and the list of waiting threads (D9). An object lies in the driver's memory and needs no end, except
// that a timer must not be set when its memory goes. Fast mutexes and remove locks belong to the same chapter.
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

/// Said to Windows' debuggers; without an effect.
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

/// The fields are the system's. An object must not move while it is in use.
typedef struct _DISPATCHER_HEADER {
  UCHAR Type;
  /// Above 0: signalled.
  LONG SignalState;
  LIST_ENTRY WaitListHead;
} DISPATCHER_HEADER;

/// Room for one object of KeWaitForMultipleObjects. The fields are the system's.
typedef struct _KWAIT_BLOCK {
  LIST_ENTRY WaitListEntry;
  PVOID Waiter;
  PVOID Object;
  USHORT WaitKey;
} KWAIT_BLOCK, *PKWAIT_BLOCK, *PRKWAIT_BLOCK;

ISW_BEGIN_C

/// Waits for an event, a semaphore, a mutex or a timer (D9).
///
/// `Timeout`, in 100 ns: negative from now on, positive a system time (KeQuerySystemTime), zero does not wait, NULL
/// waits without limit. Up to APC_LEVEL; with a zero timeout up to DISPATCH_LEVEL. Where it may not wait it reports
/// (D5) and answers as with a zero timeout. `WaitReason`, `WaitMode` and `Alertable` have no effect: no APC comes.
///
/// STATUS_SUCCESS; STATUS_TIMEOUT, which is a success code, too; STATUS_INVALID_PARAMETER, reported, for what is not
/// an initialised object.
NTSTATUS KeWaitForSingleObject(PVOID Object, KWAIT_REASON WaitReason, KPROCESSOR_MODE WaitMode, BOOLEAN Alertable,
                               PLARGE_INTEGER Timeout);

/// Waits for one (WaitAny) or all (WaitAll) of up to MAXIMUM_WAIT_OBJECTS objects; all are taken in one step (D9).
///
/// `WaitBlockArray`: one block an object, the system's until the call returns; may be NULL for up to
/// THREAD_WAIT_OBJECTS. The rest as KeWaitForSingleObject.
///
/// WaitAny: STATUS_WAIT_0 + index of the object; WaitAll: STATUS_SUCCESS. STATUS_TIMEOUT. STATUS_INVALID_PARAMETER,
/// reported, for a count out of range or blocks that are missing.
NTSTATUS KeWaitForMultipleObjects(ULONG Count, PVOID Object[], WAIT_TYPE WaitType, KWAIT_REASON WaitReason,
                                  KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Timeout,
                                  PKWAIT_BLOCK WaitBlockArray);

/// Sleeps: negative for so long, else until that system time, in 100 ns. Up to APC_LEVEL; above it is reported (D5)
/// and returns STATUS_INVALID_DEVICE_STATE at once. STATUS_SUCCESS.
NTSTATUS KeDelayExecutionThread(KPROCESSOR_MODE WaitMode, BOOLEAN Alertable, PLARGE_INTEGER Interval);

ISW_END_C

/// APCs do not exist here, so none is held off.
FORCEINLINE VOID KeEnterCriticalRegion(VOID) {}
FORCEINLINE VOID KeLeaveCriticalRegion(VOID) {}

// Events: a flag that threads wait for (D6).

typedef enum _EVENT_TYPE { NotificationEvent, SynchronizationEvent } EVENT_TYPE;

typedef struct _KEVENT {
  DISPATCHER_HEADER Header;
} KEVENT, *PKEVENT, *PRKEVENT;

ISW_BEGIN_C

/// NotificationEvent: stays signalled and releases all; SynchronizationEvent: releases one and is then not signalled.
/// Any level.
VOID KeInitializeEvent(PKEVENT Event, EVENT_TYPE Type, BOOLEAN State);
/// Signals; the state before. No allocation. `Increment` has no effect; nor has `Wait`, but that it asks for APC_LEVEL
/// at most. Up to DISPATCH_LEVEL; above it is reported and not done.
LONG KeSetEvent(PKEVENT Event, KPRIORITY Increment, BOOLEAN Wait);
/// Not signalled from now on. Up to DISPATCH_LEVEL.
VOID KeClearEvent(PKEVENT Event);
/// The same; the state before.
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
/// Adds `Adjustment`; the count before. One that is not positive, or leads above the limit, is reported and not added.
/// `Increment` and `Wait` as KeSetEvent's. Up to DISPATCH_LEVEL; above it is reported and not done.
LONG KeReleaseSemaphore(PKSEMAPHORE Semaphore, KPRIORITY Increment, LONG Adjustment, BOOLEAN Wait);
/// The count now. Any level.
LONG KeReadStateSemaphore(PKSEMAPHORE Semaphore);

ISW_END_C

// Mutexes, which threads wait for (D8), and fast mutexes, which they acquire (D10).

typedef struct _KMUTEX {
  DISPATCHER_HEADER Header;
  ULONG OwnerThread;
} KMUTEX, *PKMUTEX, *PRKMUTEX, KMUTANT, *PKMUTANT, *PRKMUTANT;

/// The fields are the system's.
typedef struct _FAST_MUTEX {
  struct {
    ULONG Word, Reserved;
    ULONG64 Contentions, LongestWait;
  } Lock;
  KIRQL OldIrql;
} FAST_MUTEX, *PFAST_MUTEX;

ISW_BEGIN_C

/// Free. `Level` has no effect. Any level.
VOID KeInitializeMutex(PKMUTEX Mutex, ULONG Level);
/// Undoes one wait of the calling thread; the state before: 0 when the mutex is free now, negative while the thread
/// owns it still. A caller that does not own it is reported. `Wait` as KeSetEvent's. Up to DISPATCH_LEVEL.
LONG KeReleaseMutex(PKMUTEX Mutex, BOOLEAN Wait);
/// 1 when free. Any level.
LONG KeReadStateMutex(PKMUTEX Mutex);

/// Any level.
VOID ExInitializeFastMutex(PFAST_MUTEX FastMutex);
/// Takes it, waiting with priority inheritance, and raises to APC_LEVEL. Up to APC_LEVEL. Not recursive: an owner is
/// reported and goes on, and the mutex is free with its first release.
VOID ExAcquireFastMutex(PFAST_MUTEX FastMutex);
/// TRUE when it was free and is taken now. Up to APC_LEVEL.
BOOLEAN ExTryToAcquireFastMutex(PFAST_MUTEX FastMutex);
/// Gives it back and restores the level. By the owner, at APC_LEVEL; anybody else is reported.
VOID ExReleaseFastMutex(PFAST_MUTEX FastMutex);
/// The same two without a change of level.
VOID ExAcquireFastMutexUnsafe(PFAST_MUTEX FastMutex);
VOID ExReleaseFastMutexUnsafe(PFAST_MUTEX FastMutex);

ISW_END_C

// Timers: at a time they become signalled and queue a DPC (D11). One thread serves all; the first timer starts it.

typedef enum _TIMER_TYPE { NotificationTimer, SynchronizationTimer } TIMER_TYPE;

/// The fields are the system's. While it is set a timer must not move or end.
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

/// A NotificationTimer that is not set. One that was set at the same address is taken back. Any level but the first
/// time in a process, which starts the thread, at PASSIVE_LEVEL.
VOID KeInitializeTimer(PKTIMER Timer);
VOID KeInitializeTimerEx(PKTIMER Timer, TIMER_TYPE Type);
/// Not signalled, and set for `DueTime`: negative from now on, else a system time, in 100 ns. TRUE when it was set
/// already; that time is void then. `Dpc` may be NULL. Up to DISPATCH_LEVEL; above it is reported and not done.
BOOLEAN KeSetTimer(PKTIMER Timer, LARGE_INTEGER DueTime, PKDPC Dpc);
/// The same, and from then on every `Period` milliseconds unless that is 0; a negative one is reported.
BOOLEAN KeSetTimerEx(PKTIMER Timer, LARGE_INTEGER DueTime, LONG Period, PKDPC Dpc);
/// TRUE when it was set; it will not expire then. Leaves the state as it is, and a DPC that is queued. Up to
/// DISPATCH_LEVEL.
BOOLEAN KeCancelTimer(PKTIMER Timer);
/// TRUE when signalled. Any level.
BOOLEAN KeReadStateTimer(PKTIMER Timer);

ISW_END_C

// Remove locks: count the users of a device, and wait until all of them have finished (D13).

/// In the driver's memory; the fields are the system's.
typedef struct _IO_REMOVE_LOCK {
  BOOLEAN Removed;
  LONG IoCount;
  KEVENT RemoveEvent;
} IO_REMOVE_LOCK, *PIO_REMOVE_LOCK;

ISW_BEGIN_C

/// `AllocateTag`, `MaxLockedMinutes` and `HighWatermark` have no effect. PASSIVE_LEVEL.
VOID IoInitializeRemoveLock(PIO_REMOVE_LOCK Lock, ULONG AllocateTag, ULONG MaxLockedMinutes, ULONG HighWatermark);
/// STATUS_SUCCESS, to be undone by one IoReleaseRemoveLock; STATUS_DELETE_PENDING, nothing to be undone, once the
/// removal has begun. `Tag` has no effect. Up to DISPATCH_LEVEL; above it is reported and counts nothing:
/// STATUS_INVALID_DEVICE_STATE.
NTSTATUS IoAcquireRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Undoes one acquisition; one too many is reported and not done. Up to DISPATCH_LEVEL.
VOID IoReleaseRemoveLock(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);
/// Begins the removal, undoes the caller's acquisition and waits for all others'. Once. PASSIVE_LEVEL; above it is
/// reported and not done.
VOID IoReleaseRemoveLockAndWait(PIO_REMOVE_LOCK RemoveLock, PVOID Tag);

ISW_END_C

#endif
