// Lists and sums under a spin lock that the caller names, in one call (D15). Any level, so that an ISR and other code
// can share them; the same lock must then be used by these calls only.
#ifndef ISW_INTERLOCKED_LIST_H
#define ISW_INTERLOCKED_LIST_H

#include "irql.h"
#include "types.h"

ISW_BEGIN_C

/// What was first (last) before, or NULL when the list was empty.
PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
/// The first entry, taken out, or NULL.
PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock);
/// What was first before, or NULL.
PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock);
/// The first entry, taken out, or NULL.
PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock);
/// Adds; the value before.
ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock);
LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock);

ISW_END_C

/// Adds, without a lock.
FORCEINLINE VOID ExInterlockedAddLargeStatistic(PLARGE_INTEGER Addend, ULONG Increment) {
  __atomic_fetch_add(&Addend->QuadPart, Increment, __ATOMIC_SEQ_CST);
}

/// Stores `*Exchange` if the destination equals `*Comparand`; the value before. Without the lock.
FORCEINLINE LONGLONG ExInterlockedCompareExchange64(LONGLONG volatile *Destination, PLONGLONG Exchange,
                                                    PLONGLONG Comparand, PKSPIN_LOCK Lock) {
  (void)Lock;
  LONGLONG expected = *Comparand;
  __atomic_compare_exchange_n(Destination, &expected, *Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

#endif
