// Mutexes that are waited for, and fast mutexes (D8, D10). All in the driver's memory.
#ifndef ISW_MUTEX_H
#define ISW_MUTEX_H

#include "dispatcher.h"

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

#endif
