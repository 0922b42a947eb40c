// Lists and sums under a spin lock, sequenced lists, remove locks (D13, D15). Compiled as C and as C++.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "wdm.h"

#include "check.h"

TEST(D15_lists_under_a_spin_lock) {
  KSPIN_LOCK lock;
  LIST_ENTRY head, a, b, c;
  KeInitializeSpinLock(&lock);
  InitializeListHead(&head);
  CHECK(!ExInterlockedRemoveHeadList(&head, &lock));
  CHECK(!ExInterlockedInsertHeadList(&head, &b, &lock) && ExInterlockedInsertHeadList(&head, &a, &lock) == &b);
  CHECK(ExInterlockedInsertTailList(&head, &c, &lock) == &b);
  CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &a && ExInterlockedRemoveHeadList(&head, &lock) == &b);
  CHECK(ExInterlockedRemoveHeadList(&head, &lock) == &c && IsListEmpty(&head));
  CHECK(!ExInterlockedInsertTailList(&head, &c, &lock));
  SINGLE_LIST_ENTRY single, x, y;
  single.Next = NULL;
  CHECK(!ExInterlockedPopEntryList(&single, &lock) && !ExInterlockedPushEntryList(&single, &x, &lock));
  CHECK(ExInterlockedPushEntryList(&single, &y, &lock) == &x && ExInterlockedPopEntryList(&single, &lock) == &y);
  CHECK(ExInterlockedPopEntryList(&single, &lock) == &x && !single.Next);
  CHECK(KeTestSpinLock(&lock) && reports == 0);
}

TEST(D15_sums) {
  KSPIN_LOCK lock;
  ULONG sum = 0xfffffffe;
  LARGE_INTEGER large, add;
  KeInitializeSpinLock(&lock);
  CHECK(ExInterlockedAddUlong(&sum, 3, &lock) == 0xfffffffe && sum == 1);
  large.QuadPart = -5, add.QuadPart = 7;
  CHECK(ExInterlockedAddLargeInteger(&large, add, &lock).QuadPart == -5 && large.QuadPart == 2);
  ExInterlockedAddLargeStatistic(&large, 0xffffffff);
  CHECK(large.QuadPart == 0x100000001ll);
  LONGLONG value = 1, next = 9, expected = 2;
  CHECK(ExInterlockedCompareExchange64(&value, &next, &expected, &lock) == 1 && value == 1);
  expected = 1;
  CHECK(ExInterlockedCompareExchange64(&value, &next, &expected, &lock) == 1 && value == 9 && reports == 0);
}

TEST(spin_locks_can_be_tested) {
  KSPIN_LOCK lock;
  LIST_ENTRY head, entry;
  KeInitializeSpinLock(&lock);
  InitializeListHead(&head);
  CHECK(KeTestSpinLock(&lock));
  KIRQL level = KeAcquireSpinLockForDpc(&lock);
  CHECK(!KeTestSpinLock(&lock) && KeGetCurrentIrql() == DISPATCH_LEVEL && reports == 0);
  ExInterlockedInsertHeadList(&head, &entry, &lock);
  CHECK(reported("ExInterlockedInsertHeadList", "K24") && head.Flink == &entry && !KeTestSpinLock(&lock));
  KeReleaseSpinLockForDpc(&lock, level);
  CHECK(KeTestSpinLock(&lock) && reports == 0);
}

// One list of entries that an ISR fills and a thread empties: nothing is lost, nothing comes twice.
typedef struct {
  LIST_ENTRY list;
  SLIST_ENTRY stack;
  LONG seen;
} parcel;

enum { PARCELS = 4000 };
static parcel parcels[PARCELS];
static LIST_ENTRY belt;
static SLIST_HEADER pile;
static KSPIN_LOCK belt_lock;
static LONG next_parcel, taken;

static void *bring(void *level) {
  KIRQL before;
  KeRaiseIrql((KIRQL)(ULONG_PTR)level, &before);
  for (LONG i; (i = InterlockedIncrement(&next_parcel) - 1) < PARCELS;) {
    ExInterlockedInsertTailList(&belt, &parcels[i].list, &belt_lock);
    ExInterlockedPushEntrySList(&pile, &parcels[i].stack, &belt_lock);
  }
  KeLowerIrql(before);
  return NULL;
}

static void *take(void *unused) {
  while (__atomic_load_n(&taken, __ATOMIC_ACQUIRE) < 2 * PARCELS) {
    PLIST_ENTRY entry = ExInterlockedRemoveHeadList(&belt, &belt_lock);
    PSLIST_ENTRY top = ExInterlockedPopEntrySList(&pile, &belt_lock);
    if (entry) InterlockedIncrement(&CONTAINING_RECORD(entry, parcel, list)->seen), InterlockedIncrement(&taken);
    if (top) InterlockedAdd(&CONTAINING_RECORD(top, parcel, stack)->seen, 1000), InterlockedIncrement(&taken);
  }
  return unused;
}

TEST(D15_nothing_is_lost_between_levels) {
  pthread_t threads[4];
  KeInitializeSpinLock(&belt_lock);
  InitializeListHead(&belt);
  InitializeSListHead(&pile);
  for (int i = 0; i < 4; i++)
    pthread_create(&threads[i], NULL, i % 2 ? take : bring, (PVOID)(ULONG_PTR)(i == 0 ? 5 : PASSIVE_LEVEL));
  for (int i = 0; i < 4; i++) pthread_join(threads[i], NULL);
  LONG right = 0;
  for (int i = 0; i < PARCELS; i++) right += parcels[i].seen == 1001;
  CHECK(right == PARCELS && IsListEmpty(&belt) && ExQueryDepthSList(&pile) == 0 && reports == 0);
}

TEST(D15_sequenced_lists) {
  SLIST_HEADER head;
  SLIST_ENTRY a, b, c;
  ExInitializeSListHead(&head);
  CHECK(!InterlockedPopEntrySList(&head) && !InterlockedFlushSList(&head) && QueryDepthSList(&head) == 0);
  CHECK(!InterlockedPushEntrySList(&head, &a) && InterlockedPushEntrySList(&head, &b) == &a);
  CHECK(ExInterlockedPushEntrySList(&head, &c, NULL) == &b && QueryDepthSList(&head) == 3);
  CHECK(ExInterlockedPopEntrySList(&head, NULL) == &c && ExQueryDepthSList(&head) == 2);
  PSLIST_ENTRY all = ExInterlockedFlushSList(&head);
  CHECK(all == &b && b.Next == &a && !a.Next && QueryDepthSList(&head) == 0);
}

static IO_REMOVE_LOCK device_lock;
static KEVENT removed;
static void *remove_device(void *unused) {
  IoReleaseRemoveLockAndWait(&device_lock, NULL);
  KeSetEvent(&removed, 0, FALSE);
  return unused;
}

TEST(D13_removal_waits_for_all_who_use_the_device) {
  pthread_t thread;
  KeInitializeEvent(&removed, NotificationEvent, FALSE);
  IoInitializeRemoveLock(&device_lock, 1, 0, 0);
  CHECK(IoAcquireRemoveLock(&device_lock, NULL) == STATUS_SUCCESS);
  CHECK(IoAcquireRemoveLock(&device_lock, &device_lock) == STATUS_SUCCESS);
  pthread_create(&thread, NULL, remove_device, NULL);
  LARGE_INTEGER moment;
  moment.QuadPart = -1000;
  NTSTATUS status;
  while ((status = IoAcquireRemoveLock(&device_lock, NULL)) == STATUS_SUCCESS) {
    IoReleaseRemoveLock(&device_lock, NULL);
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
  }
  CHECK(status == STATUS_DELETE_PENDING && !KeReadStateEvent(&removed));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  IoReleaseRemoveLock(&device_lock, &device_lock);
  KeLowerIrql(level);
  pthread_join(thread, NULL);
  CHECK(KeReadStateEvent(&removed) && IoAcquireRemoveLock(&device_lock, NULL) == STATUS_DELETE_PENDING && reports == 0);
}

TEST(D13_misuse_of_remove_locks) {
  IO_REMOVE_LOCK lock;
  KIRQL level;
  IoInitializeRemoveLock(&lock, 1, 0, 0);
  IoReleaseRemoveLock(&lock, NULL);
  CHECK(reported("IoReleaseRemoveLock", "D13"));
  IoReleaseRemoveLockAndWait(&lock, NULL);
  CHECK(reported("IoReleaseRemoveLockAndWait", "D13"));
  CHECK(IoAcquireRemoveLock(&lock, NULL) == STATUS_SUCCESS);
  KeRaiseIrql(5, &level);
  CHECK(IoAcquireRemoveLock(&lock, NULL) == STATUS_INVALID_DEVICE_STATE && reported("IoAcquireRemoveLock", "4.6"));
  IoReleaseRemoveLock(&lock, NULL);
  CHECK(reported("IoReleaseRemoveLock", "4.6"));
  IoReleaseRemoveLockAndWait(&lock, NULL);
  CHECK(reported("IoReleaseRemoveLockAndWait", "4.6"));
  IoInitializeRemoveLock(&lock, 1, 0, 0);
  CHECK(reported("IoInitializeRemoveLock", "4.6"));
  KeLowerIrql(level);
  IoReleaseRemoveLockAndWait(&lock, NULL);
  CHECK(reports == 0);
  IoReleaseRemoveLockAndWait(&lock, NULL);
  CHECK(reported("IoReleaseRemoveLockAndWait", "D13"));
}
