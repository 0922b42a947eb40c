// Windows interfaces, floor 5: atomic operations, and lists through entries inside the driver's own structures. Drivers
// call these on any thread at any level, also in an ISR with the interrupt lock held. The plain lists take no lock; the
// ExInterlocked… ones take a spin lock that you name, and sequenced lists bring their own.
#ifndef ISW_LISTS_H
#define ISW_LISTS_H

#include "irql.h"
#include "types.h"

// Atomic operations. Each is a full barrier. Any thread, any level.

#define ISW_INTERLOCKED(suffix, type)                                                                             \
  ISW_INLINE type InterlockedIncrement##suffix(type volatile *target) {                                          \
    return __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                               \
  ISW_INLINE type InterlockedDecrement##suffix(type volatile *target) {                                          \
    return __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                               \
  ISW_INLINE type InterlockedExchange##suffix(type volatile *target, type value) {                               \
    return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                                               \
  ISW_INLINE type InterlockedExchangeAdd##suffix(type volatile *target, type value) {                            \
    return __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  ISW_INLINE type InterlockedAdd##suffix(type volatile *target, type value) {                                    \
    return __atomic_add_fetch(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  ISW_INLINE type InterlockedAnd##suffix(type volatile *target, type value) {                                    \
    return __atomic_fetch_and(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  ISW_INLINE type InterlockedOr##suffix(type volatile *target, type value) {                                     \
    return __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                               \
  ISW_INLINE type InterlockedXor##suffix(type volatile *target, type value) {                                    \
    return __atomic_fetch_xor(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  /* The previous value; exchanged if it equals `comparand`. */                                                    \
  ISW_INLINE type InterlockedCompareExchange##suffix(type volatile *target, type value, type comparand) {        \
    __atomic_compare_exchange_n(target, &comparand, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
    return comparand;                                                                                             \
  }

ISW_INTERLOCKED(, LONG)
ISW_INTERLOCKED(64, LONGLONG)
#undef ISW_INTERLOCKED

ISW_INLINE PVOID InterlockedExchangePointer(PVOID volatile *target, PVOID value) {
  return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

ISW_INLINE PVOID InterlockedCompareExchangePointer(PVOID volatile *target, PVOID value, PVOID comparand) {
  __atomic_compare_exchange_n(target, &comparand, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}

/// Sets bit `bit`; returns its previous value.
ISW_INLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile *base, LONG bit) {
  ULONG mask = 1u << (bit & 31);
  return ((ULONG)__atomic_fetch_or(base + bit / 32, (LONG)mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

ISW_INLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile *base, LONG bit) {
  ULONG mask = 1u << (bit & 31);
  return ((ULONG)__atomic_fetch_and(base + bit / 32, (LONG)~mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

ISW_INLINE VOID KeMemoryBarrier(VOID) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#define MemoryBarrier() KeMemoryBarrier()

// Doubly and singly linked lists. No locking: the caller keeps others out.

ISW_INLINE VOID InitializeListHead(PLIST_ENTRY head) { head->Flink = head->Blink = head; }

ISW_INLINE BOOLEAN IsListEmpty(const LIST_ENTRY *head) { return head->Flink == head; }

/// Removes `entry`. TRUE if the list is empty afterwards.
ISW_INLINE BOOLEAN RemoveEntryList(PLIST_ENTRY entry) {
  PLIST_ENTRY next = entry->Flink, previous = entry->Blink;
  previous->Flink = next;
  next->Blink = previous;
  return next == previous;
}

ISW_INLINE VOID InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry) {
  entry->Flink = head->Flink;
  entry->Blink = head;
  head->Flink->Blink = entry;
  head->Flink = entry;
}

ISW_INLINE VOID InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry) {
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

/// Removes and returns the first entry; returns the head itself if the list is empty.
ISW_INLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head) {
  PLIST_ENTRY entry = head->Flink;
  RemoveEntryList(entry);
  return entry;
}

ISW_INLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY head) {
  PLIST_ENTRY entry = head->Blink;
  RemoveEntryList(entry);
  return entry;
}

/// Appends the list that begins with `other` to the tail of `head`; `other` becomes one of the entries.
ISW_INLINE VOID AppendTailList(PLIST_ENTRY head, PLIST_ENTRY other) {
  PLIST_ENTRY last = head->Blink;
  head->Blink->Flink = other;
  head->Blink = other->Blink;
  other->Blink->Flink = head;
  other->Blink = last;
}

ISW_INLINE VOID PushEntryList(PSINGLE_LIST_ENTRY head, PSINGLE_LIST_ENTRY entry) {
  entry->Next = head->Next;
  head->Next = entry;
}

/// The first entry, taken out, or NULL.
ISW_INLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY head) {
  PSINGLE_LIST_ENTRY entry = head->Next;
  if (entry) head->Next = entry->Next;
  return entry;
}

// Lists and sums under a spin lock that you name, in one call (D15). Any level, so an ISR and other code can share
// them. Use such a lock with these calls only.

ISW_BEGIN_C

/// Inserts an entry. Returns the previous first (last) entry, or NULL if the list was empty.
PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
/// Removes and returns the first entry, or returns NULL.
PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock);
/// Inserts an entry. Returns the previous first entry, or NULL.
PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock);
/// Removes and returns the first entry, or returns NULL.
PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock);
/// Adds, and returns the previous value.
ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock);
LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock);

ISW_END_C

/// Adds, without a lock.
ISW_INLINE VOID ExInterlockedAddLargeStatistic(PLARGE_INTEGER Addend, ULONG Increment) {
  __atomic_fetch_add(&Addend->QuadPart, Increment, __ATOMIC_SEQ_CST);
}

/// Stores `*Exchange` if the destination equals `*Comparand`; returns the previous value. Does not use the lock.
ISW_INLINE LONGLONG ExInterlockedCompareExchange64(LONGLONG volatile *Destination, PLONGLONG Exchange,
                                                    PLONGLONG Comparand, PKSPIN_LOCK Lock) {
  (void)Lock;
  LONGLONG expected = *Comparand;
  __atomic_compare_exchange_n(Destination, &expected, *Exchange, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return expected;
}

// Sequenced lists: a stack to which any thread pushes, and from which it pops, at any level (D15).

typedef struct _SLIST_ENTRY {
  struct _SLIST_ENTRY *Next;
} SLIST_ENTRY, *PSLIST_ENTRY;

/// The fields are the system's.
typedef struct _SLIST_HEADER {
  struct {
    ULONG Word, Reserved;
    ULONG64 Contentions, LongestWait;
  } Lock;
  PSLIST_ENTRY First;
  USHORT Depth;
} SLIST_HEADER, *PSLIST_HEADER;

ISW_BEGIN_C

/// Makes the list empty.
VOID ExInitializeSListHead(PSLIST_HEADER ListHead);
/// Pushes an entry. Returns the previous first entry, or NULL. Does not use `Lock`.
PSLIST_ENTRY ExInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
/// Pops the first entry, or returns NULL. Does not use `Lock`.
PSLIST_ENTRY ExInterlockedPopEntrySList(PSLIST_HEADER ListHead, PKSPIN_LOCK Lock);
/// Removes all entries and returns them as a chain, or NULL.
PSLIST_ENTRY ExInterlockedFlushSList(PSLIST_HEADER ListHead);
/// The number of entries now, modulo 65536.
USHORT ExQueryDepthSList(PSLIST_HEADER ListHead);

ISW_END_C

#define InitializeSListHead(ListHead) ExInitializeSListHead(ListHead)
#define InterlockedPushEntrySList(ListHead, ListEntry) ExInterlockedPushEntrySList((ListHead), (ListEntry), NULL)
#define InterlockedPopEntrySList(ListHead) ExInterlockedPopEntrySList((ListHead), NULL)
#define InterlockedFlushSList(ListHead) ExInterlockedFlushSList(ListHead)
#define QueryDepthSList(ListHead) ExQueryDepthSList(ListHead)

#endif
