// Floor 5, room Kernel. Lists under a spin lock of the driver's, and sequenced lists, which bring their own lock (D15).
// Drivers call it on any thread at any level, also in an ISR with the interrupt lock held. Each call takes one lock,
// under which nothing else is locked, and leaves the level as it is.
#include "isw/core.h"

// Lists and sums under the driver's spin lock. The level stays as it is: interrupts are threads here, and one that
// needs the lock waits for its holder.

PLIST_ENTRY ExInterlockedInsertHeadList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedInsertHeadList");
  PLIST_ENTRY before = IsListEmpty(ListHead) ? NULL : ListHead->Flink;
  InsertHeadList(ListHead, ListEntry);
  isw_spin_lock_release(Lock, "ExInterlockedInsertHeadList");
  return before;
}

PLIST_ENTRY ExInterlockedInsertTailList(PLIST_ENTRY ListHead, PLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedInsertTailList");
  PLIST_ENTRY before = IsListEmpty(ListHead) ? NULL : ListHead->Blink;
  InsertTailList(ListHead, ListEntry);
  isw_spin_lock_release(Lock, "ExInterlockedInsertTailList");
  return before;
}

PLIST_ENTRY ExInterlockedRemoveHeadList(PLIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedRemoveHeadList");
  PLIST_ENTRY entry = IsListEmpty(ListHead) ? NULL : RemoveHeadList(ListHead);
  isw_spin_lock_release(Lock, "ExInterlockedRemoveHeadList");
  return entry;
}

PSINGLE_LIST_ENTRY ExInterlockedPushEntryList(PSINGLE_LIST_ENTRY ListHead, PSINGLE_LIST_ENTRY ListEntry,
                                              PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedPushEntryList");
  PSINGLE_LIST_ENTRY before = ListHead->Next;
  PushEntryList(ListHead, ListEntry);
  isw_spin_lock_release(Lock, "ExInterlockedPushEntryList");
  return before;
}

PSINGLE_LIST_ENTRY ExInterlockedPopEntryList(PSINGLE_LIST_ENTRY ListHead, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedPopEntryList");
  PSINGLE_LIST_ENTRY entry = PopEntryList(ListHead);
  isw_spin_lock_release(Lock, "ExInterlockedPopEntryList");
  return entry;
}

ULONG ExInterlockedAddUlong(PULONG Addend, ULONG Increment, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedAddUlong");
  ULONG before = *Addend;
  *Addend = before + Increment;
  isw_spin_lock_release(Lock, "ExInterlockedAddUlong");
  return before;
}

LARGE_INTEGER ExInterlockedAddLargeInteger(PLARGE_INTEGER Addend, LARGE_INTEGER Increment, PKSPIN_LOCK Lock) {
  isw_spin_lock_acquire(Lock, "ExInterlockedAddLargeInteger");
  LARGE_INTEGER before = *Addend;
  // Unsigned: sums wrap.
  Addend->QuadPart = (LONGLONG)((ULONGLONG)before.QuadPart + (ULONGLONG)Increment.QuadPart);
  isw_spin_lock_release(Lock, "ExInterlockedAddLargeInteger");
  return before;
}

// Sequenced lists. They take a lock with priority inheritance instead of the processor's double compare and swap: a pop
// reads the next pointer of an entry that another thread may have popped and freed, which only a kernel can survive.

_Static_assert(sizeof((PSLIST_HEADER)0)->Lock == sizeof(cuio_lock), "the driver's room for the lock");
static cuio_lock *lock_of(PSLIST_HEADER head) { return (cuio_lock *)(void *)&head->Lock; }

VOID ExInitializeSListHead(PSLIST_HEADER ListHead) { *ListHead = (SLIST_HEADER){.Depth = 0}; }

PSLIST_ENTRY ExInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry, PKSPIN_LOCK Lock) {
  (void)Lock;
  cuio_lock_acquire(lock_of(ListHead));
  PSLIST_ENTRY before = ListHead->First;
  ListEntry->Next = before;
  ListHead->First = ListEntry;
  ListHead->Depth++;
  cuio_lock_release(lock_of(ListHead));
  return before;
}

PSLIST_ENTRY ExInterlockedPopEntrySList(PSLIST_HEADER ListHead, PKSPIN_LOCK Lock) {
  (void)Lock;
  cuio_lock_acquire(lock_of(ListHead));
  PSLIST_ENTRY entry = ListHead->First;
  if (entry) {
    ListHead->First = entry->Next;
    ListHead->Depth--;
  }
  cuio_lock_release(lock_of(ListHead));
  return entry;
}

PSLIST_ENTRY ExInterlockedFlushSList(PSLIST_HEADER ListHead) {
  cuio_lock_acquire(lock_of(ListHead));
  PSLIST_ENTRY entries = ListHead->First;
  ListHead->First = NULL;
  ListHead->Depth = 0;
  cuio_lock_release(lock_of(ListHead));
  return entries;
}

USHORT ExQueryDepthSList(PSLIST_HEADER ListHead) {
  cuio_lock_acquire(lock_of(ListHead));
  USHORT depth = ListHead->Depth;
  cuio_lock_release(lock_of(ListHead));
  return depth;
}
