// Lists and sums under a driver's spin lock (D15). The level is left alone: interrupts are threads here, and one that
// needs the lock waits for its holder.
#include "isw/core.h"

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
