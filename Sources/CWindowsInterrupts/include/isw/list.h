// Doubly and singly linked lists through entries inside the caller's structures. No locking.
#ifndef ISW_LIST_H
#define ISW_LIST_H

#include "types.h"

FORCEINLINE VOID InitializeListHead(PLIST_ENTRY head) { head->Flink = head->Blink = head; }

FORCEINLINE BOOLEAN IsListEmpty(const LIST_ENTRY *head) { return head->Flink == head; }

/// Takes `entry` out. TRUE when the list is empty afterwards.
FORCEINLINE BOOLEAN RemoveEntryList(PLIST_ENTRY entry) {
  PLIST_ENTRY next = entry->Flink, previous = entry->Blink;
  previous->Flink = next;
  next->Blink = previous;
  return next == previous;
}

FORCEINLINE VOID InsertHeadList(PLIST_ENTRY head, PLIST_ENTRY entry) {
  entry->Flink = head->Flink;
  entry->Blink = head;
  head->Flink->Blink = entry;
  head->Flink = entry;
}

FORCEINLINE VOID InsertTailList(PLIST_ENTRY head, PLIST_ENTRY entry) {
  entry->Flink = head;
  entry->Blink = head->Blink;
  head->Blink->Flink = entry;
  head->Blink = entry;
}

/// The first entry, taken out; the head itself when the list was empty.
FORCEINLINE PLIST_ENTRY RemoveHeadList(PLIST_ENTRY head) {
  PLIST_ENTRY entry = head->Flink;
  RemoveEntryList(entry);
  return entry;
}

FORCEINLINE PLIST_ENTRY RemoveTailList(PLIST_ENTRY head) {
  PLIST_ENTRY entry = head->Blink;
  RemoveEntryList(entry);
  return entry;
}

/// Joins the entries behind `other` to the tail of `head`; `other` stays a part of the circle.
FORCEINLINE VOID AppendTailList(PLIST_ENTRY head, PLIST_ENTRY other) {
  PLIST_ENTRY last = head->Blink;
  head->Blink->Flink = other;
  head->Blink = other->Blink;
  other->Blink->Flink = head;
  other->Blink = last;
}

FORCEINLINE VOID PushEntryList(PSINGLE_LIST_ENTRY head, PSINGLE_LIST_ENTRY entry) {
  entry->Next = head->Next;
  head->Next = entry;
}

/// The first entry, taken out, or NULL.
FORCEINLINE PSINGLE_LIST_ENTRY PopEntryList(PSINGLE_LIST_ENTRY head) {
  PSINGLE_LIST_ENTRY entry = head->Next;
  if (entry) head->Next = entry->Next;
  return entry;
}

#endif
