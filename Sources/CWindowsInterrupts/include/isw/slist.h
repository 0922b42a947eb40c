// Sequenced singly linked lists: a stack that any thread at any level may push to and pop from (D15).
#ifndef ISW_SLIST_H
#define ISW_SLIST_H

#include "irql.h"
#include "types.h"

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

/// Empty.
VOID ExInitializeSListHead(PSLIST_HEADER ListHead);
/// Puts an entry first; what was first before, or NULL. `Lock` is not used.
PSLIST_ENTRY ExInterlockedPushEntrySList(PSLIST_HEADER ListHead, PSLIST_ENTRY ListEntry, PKSPIN_LOCK Lock);
/// The first entry, taken out, or NULL. `Lock` is not used.
PSLIST_ENTRY ExInterlockedPopEntrySList(PSLIST_HEADER ListHead, PKSPIN_LOCK Lock);
/// All entries, taken out, as a chain, or NULL.
PSLIST_ENTRY ExInterlockedFlushSList(PSLIST_HEADER ListHead);
/// Entries now, modulo 65536.
USHORT ExQueryDepthSList(PSLIST_HEADER ListHead);

ISW_END_C

#define InitializeSListHead(ListHead) ExInitializeSListHead(ListHead)
#define InterlockedPushEntrySList(ListHead, ListEntry) ExInterlockedPushEntrySList((ListHead), (ListEntry), NULL)
#define InterlockedPopEntrySList(ListHead) ExInterlockedPopEntrySList((ListHead), NULL)
#define InterlockedFlushSList(ListHead) ExInterlockedFlushSList(ListHead)
#define QueryDepthSList(ListHead) ExQueryDepthSList(ListHead)

#endif
