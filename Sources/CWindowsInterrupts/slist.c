// Sequenced lists (D15). A lock with priority inheritance, and not the processor's double compare and swap: a pop reads
// the next pointer of an entry that another thread may have popped and freed, which only a kernel can survive.
#include "isw/core.h"

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
