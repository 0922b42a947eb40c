// What threads wait for: events, semaphores, mutexes and timers begin with the same header, which holds the state and
// the list of waiting threads, both in the driver's memory (D9).
#ifndef ISW_DISPATCHER_H
#define ISW_DISPATCHER_H

#include "types.h"

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

#endif
