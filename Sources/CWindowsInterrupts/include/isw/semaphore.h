// Semaphores: a count that each satisfied wait lowers by one (D7). All in the driver's memory.
#ifndef ISW_SEMAPHORE_H
#define ISW_SEMAPHORE_H

#include "dispatcher.h"

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

#endif
