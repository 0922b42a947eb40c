// Events, semaphores, mutexes and waiting for them (D6 to D10). Compiled as C and as C++.
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "wdm.h"

#include "check.h"

#include <sys/mman.h>

// A wait that a failure must not make endless: 20 seconds.
static LARGE_INTEGER long_time(void) {
  LARGE_INTEGER t;
  t.QuadPart = -200000000;
  return t;
}

static LARGE_INTEGER no_time(void) {
  LARGE_INTEGER t;
  t.QuadPart = 0;
  return t;
}

static NTSTATUS wait_long(PVOID object) {
  LARGE_INTEGER t = long_time();
  return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

static NTSTATUS look(PVOID object) {
  LARGE_INTEGER t = no_time();
  return KeWaitForSingleObject(object, Executive, KernelMode, FALSE, &t);
}

static NTSTATUS look_at(ULONG count, PVOID objects[], WAIT_TYPE type) {
  LARGE_INTEGER t = no_time();
  return KeWaitForMultipleObjects(count, objects, type, Executive, KernelMode, FALSE, &t, NULL);
}

// A thread that waits for one or several objects and says what it got.
typedef struct waiting {
  pthread_t thread;
  ULONG count;
  PVOID objects[4];
  WAIT_TYPE type;
  NTSTATUS status;
  KWAIT_BLOCK blocks[4];
  LONG *returned;
  void (*then)(struct waiting *);
} waiting;

static void *wait_there(void *context) {
  waiting *w = (waiting *)context;
  LARGE_INTEGER t = long_time();
  w->status = w->count == 1 ? wait_long(w->objects[0])
                            : KeWaitForMultipleObjects(w->count, w->objects, w->type, Executive, KernelMode, FALSE, &t,
                                                       w->blocks);
  if (w->returned) InterlockedIncrement(w->returned);
  if (w->then) w->then(w);
  return NULL;
}

// Whether as many threads are in the list of those who wait for the object. A look without the lock that guards it,
// which the thread sanitizer must not mind.
__attribute__((no_sanitize("thread"), noinline)) static void until_waiting(DISPATCHER_HEADER *header, int wanted) {
  LARGE_INTEGER moment;
  moment.QuadPart = -1000;
  for (int tries = 0; tries < 200000; tries++) {
    int count = 0;
    // No thread leaves meanwhile: entries are only added at the end.
    for (PLIST_ENTRY e = header->WaitListHead.Flink; e != &header->WaitListHead && count < wanted; e = e->Flink)
      count++;
    if (count == wanted) return;
    KeDelayExecutionThread(KernelMode, FALSE, &moment);
  }
  CHECK(!"the threads wait");
}

static void begin_waiting(waiting *w) { pthread_create(&w->thread, NULL, wait_there, w); }
static void end_waiting(waiting *w) { pthread_join(w->thread, NULL); }

TEST(D6_states_of_events) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  CHECK(KeReadStateEvent(&event) == 0 && look(&event) == STATUS_TIMEOUT);
  CHECK(KeSetEvent(&event, IO_NO_INCREMENT, FALSE) == 0 && KeSetEvent(&event, EVENT_INCREMENT, FALSE) != 0);
  CHECK(look(&event) == STATUS_SUCCESS && look(&event) == STATUS_SUCCESS && KeReadStateEvent(&event));
  CHECK(KeResetEvent(&event) != 0 && KeResetEvent(&event) == 0 && look(&event) == STATUS_TIMEOUT);
  KeInitializeEvent(&event, SynchronizationEvent, TRUE);
  CHECK(look(&event) == STATUS_SUCCESS && look(&event) == STATUS_TIMEOUT);
  CHECK(KeSetEvent(&event, IO_SOUND_INCREMENT, TRUE) == 0);
  KeClearEvent(&event);
  CHECK(KeReadStateEvent(&event) == 0 && reports == 0);
}

TEST(D6_a_notification_event_releases_all) {
  KEVENT event;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  waiting w[3];
  memset(w, 0, sizeof w);
  for (int i = 0; i < 3; i++) w[i].count = 1, w[i].objects[0] = &event, begin_waiting(&w[i]);
  until_waiting(&event.Header, 3);
  CHECK(KeSetEvent(&event, 0, FALSE) == 0);
  for (int i = 0; i < 3; i++) {
    end_waiting(&w[i]);
    CHECK(w[i].status == STATUS_SUCCESS);
  }
  CHECK(KeReadStateEvent(&event) && reports == 0);
}

TEST(D6_a_synchronization_event_releases_one_at_a_time) {
  KEVENT event;
  LONG returned = 0;
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  waiting w[2];
  memset(w, 0, sizeof w);
  for (int i = 0; i < 2; i++) {
    w[i].count = 1, w[i].objects[0] = &event, w[i].returned = &returned;
    begin_waiting(&w[i]);
    until_waiting(&event.Header, i + 1);
  }
  CHECK(KeSetEvent(&event, 0, FALSE) == 0 && KeReadStateEvent(&event) == 0);
  end_waiting(&w[0]);
  CHECK(w[0].status == STATUS_SUCCESS && returned == 1);
  CHECK(KeSetEvent(&event, 0, FALSE) == 0 && KeReadStateEvent(&event) == 0);
  end_waiting(&w[1]);
  CHECK(w[1].status == STATUS_SUCCESS && returned == 2 && reports == 0);
}

static KEVENT from_dpc;
static void dpc_sets(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  (void)dpc, (void)first, (void)second;
  *(LONG *)context = KeSetEvent(&from_dpc, 0, FALSE) == 0 && look(&from_dpc) == STATUS_SUCCESS;
}

TEST(D6_a_dpc_sets_an_event) {
  KDPC dpc;
  LONG right = 0;
  KeInitializeEvent(&from_dpc, NotificationEvent, FALSE);
  KeInitializeDpc(&dpc, dpc_sets, &right);
  CHECK(KeInsertQueueDpc(&dpc, NULL, NULL));
  CHECK(wait_long(&from_dpc) == STATUS_SUCCESS);
  KeFlushQueuedDpcs();
  CHECK(right && reports == 0);
}

TEST(D7_semaphores_count) {
  KSEMAPHORE s;
  KeInitializeSemaphore(&s, 1, 3);
  CHECK(KeReadStateSemaphore(&s) == 1 && look(&s) == STATUS_SUCCESS && look(&s) == STATUS_TIMEOUT);
  CHECK(KeReleaseSemaphore(&s, SEMAPHORE_INCREMENT, 2, FALSE) == 0 && KeReadStateSemaphore(&s) == 2 && reports == 0);
  CHECK(KeReleaseSemaphore(&s, 0, 2, FALSE) == 2 && reported("KeReleaseSemaphore", "D7"));
  CHECK(KeReleaseSemaphore(&s, 0, 0, FALSE) == 2 && reported("KeReleaseSemaphore", "D7"));
  CHECK(KeReadStateSemaphore(&s) == 2);
  KeInitializeSemaphore(&s, 4, 3);
  CHECK(reported("KeInitializeSemaphore", "D7"));
}

TEST(D7_a_release_of_two_lets_two_go) {
  KSEMAPHORE s;
  LONG returned = 0;
  KeInitializeSemaphore(&s, 0, 10);
  waiting w[3];
  memset(w, 0, sizeof w);
  for (int i = 0; i < 3; i++) {
    w[i].count = 1, w[i].objects[0] = &s, w[i].returned = &returned;
    begin_waiting(&w[i]);
    until_waiting(&s.Header, i + 1);
  }
  CHECK(KeReleaseSemaphore(&s, 0, 2, FALSE) == 0 && KeReadStateSemaphore(&s) == 0);
  end_waiting(&w[0]), end_waiting(&w[1]);
  CHECK(returned == 2);
  KeReleaseSemaphore(&s, 0, 2, FALSE);
  end_waiting(&w[2]);
  CHECK(KeReadStateSemaphore(&s) == 1 && reports == 0);
}

static void release_mutex(waiting *w) { KeReleaseMutex((PKMUTEX)w->objects[0], FALSE); }

TEST(D8_mutexes_are_recursive_and_have_an_owner) {
  KMUTEX m;
  KeInitializeMutex(&m, 0);
  CHECK(KeReadStateMutex(&m) == 1 && look(&m) == STATUS_SUCCESS && look(&m) == STATUS_SUCCESS);
  CHECK(KeReadStateMutex(&m) <= 0);
  waiting w;
  memset(&w, 0, sizeof w);
  w.count = 1, w.objects[0] = &m, w.then = release_mutex;
  begin_waiting(&w);
  until_waiting(&m.Header, 1);
  CHECK(KeReleaseMutex(&m, FALSE) < 0);
  until_waiting(&m.Header, 1);
  CHECK(KeReleaseMutex(&m, FALSE) == 0);
  end_waiting(&w);
  CHECK(w.status == STATUS_SUCCESS && KeReadStateMutex(&m) == 1 && reports == 0);
  KeReleaseMutex(&m, FALSE);
  CHECK(reported("KeReleaseMutex", "D8") && KeReadStateMutex(&m) == 1);
}

static void *release_there(void *mutex) {
  KeReleaseMutex((PKMUTEX)mutex, FALSE);
  return NULL;
}

TEST(D8_only_the_owner_releases) {
  KMUTEX m;
  pthread_t thread;
  KeInitializeMutex(&m, 0);
  CHECK(look(&m) == STATUS_SUCCESS);
  pthread_create(&thread, NULL, release_there, &m);
  pthread_join(thread, NULL);
  CHECK(reported("KeReleaseMutex", "D8") && KeReadStateMutex(&m) == 0);
  CHECK(KeReleaseMutex(&m, FALSE) == 0 && reports == 0);
}

static KMUTEX counter_mutex;
static FAST_MUTEX counter_fast;
static LONG counter, fast_counter;
static void *count_up(void *unused) {
  for (int i = 0; i < 5000; i++) {
    KeWaitForSingleObject(&counter_mutex, Executive, KernelMode, FALSE, NULL);
    counter++;
    KeReleaseMutex(&counter_mutex, FALSE);
    ExAcquireFastMutex(&counter_fast);
    fast_counter++;
    ExReleaseFastMutex(&counter_fast);
  }
  return unused;
}

TEST(D8_D10_mutexes_exclude) {
  pthread_t threads[3];
  KeInitializeMutex(&counter_mutex, 0);
  ExInitializeFastMutex(&counter_fast);
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, count_up, NULL);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  CHECK(counter == 15000 && fast_counter == 15000 && reports == 0);
}

TEST(D9_any_takes_the_first_that_is_signalled) {
  KEVENT a, b, c;
  PVOID objects[] = {&a, &b, &c};
  KeInitializeEvent(&a, SynchronizationEvent, FALSE);
  KeInitializeEvent(&b, SynchronizationEvent, TRUE);
  KeInitializeEvent(&c, SynchronizationEvent, TRUE);
  CHECK(look_at(3, objects, WaitAny) == STATUS_WAIT_1 && look_at(3, objects, WaitAny) == STATUS_WAIT_2);
  CHECK(look_at(3, objects, WaitAny) == STATUS_TIMEOUT);
  waiting w;
  memset(&w, 0, sizeof w);
  w.count = 3, w.type = WaitAny, w.objects[0] = &a, w.objects[1] = &b, w.objects[2] = &c;
  begin_waiting(&w);
  until_waiting(&c.Header, 1);
  KeSetEvent(&c, 0, FALSE);
  end_waiting(&w);
  CHECK(w.status == STATUS_WAIT_2 && IsListEmpty(&a.Header.WaitListHead) && IsListEmpty(&b.Header.WaitListHead));
  CHECK(KeReadStateEvent(&c) == 0 && reports == 0);
}

TEST(D9_all_takes_everything_in_one_step) {
  KEVENT event;
  KSEMAPHORE semaphore;
  KMUTEX mutex;
  PVOID objects[] = {&event, &semaphore, &mutex};
  KeInitializeEvent(&event, SynchronizationEvent, TRUE);
  KeInitializeSemaphore(&semaphore, 0, 5);
  KeInitializeMutex(&mutex, 0);
  CHECK(look_at(3, objects, WaitAll) == STATUS_TIMEOUT);
  CHECK(KeReadStateEvent(&event) == 1 && KeReadStateMutex(&mutex) == 1);
  waiting w;
  memset(&w, 0, sizeof w);
  w.count = 3, w.type = WaitAll, w.then = NULL;
  for (int i = 0; i < 3; i++) w.objects[i] = objects[i];
  begin_waiting(&w);
  until_waiting(&mutex.Header, 1);
  KeClearEvent(&event);
  CHECK(KeReleaseSemaphore(&semaphore, 0, 1, FALSE) == 0 && KeReadStateSemaphore(&semaphore) == 1);
  KeSetEvent(&event, 0, FALSE);
  end_waiting(&w);
  CHECK(w.status == STATUS_SUCCESS && KeReadStateEvent(&event) == 0 && KeReadStateSemaphore(&semaphore) == 0);
  CHECK(KeReadStateMutex(&mutex) == 0 && reports == 0);
}

TEST(D9_what_cannot_be_waited_for) {
  KEVENT event, none, bad;
  memset(&none, 0, sizeof none), memset(&bad, 0xa5, sizeof bad);
  PVOID four[] = {&event, &event, &event, &event};
  KeInitializeEvent(&event, NotificationEvent, TRUE);
  CHECK(look(&none) == STATUS_INVALID_PARAMETER && reported("KeWaitForSingleObject", "D9"));
  CHECK(look(&bad) == STATUS_INVALID_PARAMETER && reported("KeWaitForSingleObject", "D9"));
  CHECK(look(NULL) == STATUS_INVALID_PARAMETER && reported("KeWaitForSingleObject", "D9"));
  CHECK(KeSetEvent(&none, 0, FALSE) == 0 && reported("KeSetEvent", "D6"));
  KMUTEX mutex;
  KeInitializeMutex(&mutex, 0);
  KeSetEvent((PKEVENT)(PVOID)&mutex, 0, FALSE);
  CHECK(reported("KeSetEvent", "D6") && KeReadStateMutex(&mutex) == 1);
  CHECK(look_at(4, four, WaitAny) == STATUS_INVALID_PARAMETER && reported("KeWaitForMultipleObjects", "D9"));
  CHECK(look_at(0, four, WaitAny) == STATUS_INVALID_PARAMETER && reported("KeWaitForMultipleObjects", "D9"));
  KWAIT_BLOCK blocks[MAXIMUM_WAIT_OBJECTS];
  PVOID many[MAXIMUM_WAIT_OBJECTS + 1];
  KEVENT others[MAXIMUM_WAIT_OBJECTS];
  LARGE_INTEGER t = no_time();
  for (int i = 0; i <= MAXIMUM_WAIT_OBJECTS; i++) many[i] = &others[i % MAXIMUM_WAIT_OBJECTS];
  for (int i = 0; i < MAXIMUM_WAIT_OBJECTS; i++) KeInitializeEvent(&others[i], NotificationEvent, i == 63);
  CHECK(KeWaitForMultipleObjects(64, many, WaitAny, UserRequest, KernelMode, FALSE, &t, blocks) == STATUS_WAIT_63);
  CHECK(KeWaitForMultipleObjects(65, many, WaitAny, UserRequest, KernelMode, FALSE, &t, blocks) ==
        STATUS_INVALID_PARAMETER);
  CHECK(reported("KeWaitForMultipleObjects", "D9"));
}

TEST(D9_timeouts) {
  KEVENT event;
  LARGE_INTEGER t, before, after;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  ULONGLONG start = KeQueryInterruptTime();
  t.QuadPart = -50000;
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &t) == STATUS_TIMEOUT);
  CHECK(KeQueryInterruptTime() - start >= 50000 && IsListEmpty(&event.Header.WaitListHead));
  KeQuerySystemTime(&before);
  t.QuadPart = before.QuadPart + 50000;
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &t) == STATUS_TIMEOUT);
  KeQuerySystemTimePrecise(&after);
  CHECK(after.QuadPart >= t.QuadPart);
  t.QuadPart = 1;
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &t) == STATUS_TIMEOUT);
  CHECK(NT_SUCCESS(STATUS_TIMEOUT) && IsListEmpty(&event.Header.WaitListHead));
  start = KeQueryInterruptTime();
  t.QuadPart = -20000;
  CHECK(KeDelayExecutionThread(KernelMode, FALSE, &t) == STATUS_SUCCESS && KeQueryInterruptTime() - start >= 20000);
  t.QuadPart = 0;
  CHECK(KeDelayExecutionThread(KernelMode, FALSE, &t) == STATUS_SUCCESS && reports == 0);
  KeSetEvent(&event, 0, FALSE);
  t.QuadPart = INT64_MIN;
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &t) == STATUS_SUCCESS);
}

TEST(D5_waiting_at_dispatch_level_is_reported) {
  KEVENT event;
  LARGE_INTEGER t = long_time();
  PVOID objects[] = {&event};
  KeInitializeEvent(&event, SynchronizationEvent, FALSE);
  KIRQL level = KeRaiseIrqlToDpcLevel();
  CHECK(look(&event) == STATUS_TIMEOUT && reports == 0);
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, &t) == STATUS_TIMEOUT);
  CHECK(reported("KeWaitForSingleObject", "D5"));
  CHECK(KeWaitForMultipleObjects(1, objects, WaitAll, Executive, KernelMode, FALSE, NULL, NULL) == STATUS_TIMEOUT);
  CHECK(reported("KeWaitForMultipleObjects", "D5"));
  CHECK(KeDelayExecutionThread(KernelMode, FALSE, &t) == STATUS_INVALID_DEVICE_STATE);
  CHECK(reported("KeDelayExecutionThread", "D5"));
  CHECK(KeSetEvent(&event, 0, FALSE) == 0 && reports == 0);
  CHECK(KeWaitForSingleObject(&event, Executive, KernelMode, FALSE, NULL) == STATUS_SUCCESS);
  CHECK(reported("KeWaitForSingleObject", "D5"));
  KeSetEvent(&event, 0, TRUE);
  CHECK(reported("KeSetEvent", "4.6"));
  KeLowerIrql(level);
  CHECK(KeReadStateEvent(&event) == 0);
}

TEST(above_dispatch_level_objects_are_left_alone) {
  KEVENT event;
  KSEMAPHORE semaphore;
  KMUTEX mutex;
  KIRQL level;
  KeInitializeEvent(&event, NotificationEvent, FALSE);
  KeInitializeSemaphore(&semaphore, 1, 2);
  KeInitializeMutex(&mutex, 0);
  KeRaiseIrql(5, &level);
  KeSetEvent(&event, 0, FALSE);
  CHECK(reported("KeSetEvent", "4.6") && KeReadStateEvent(&event) == 0);
  KeReleaseSemaphore(&semaphore, 0, 1, FALSE);
  CHECK(reported("KeReleaseSemaphore", "4.6") && KeReadStateSemaphore(&semaphore) == 1);
  CHECK(look(&mutex) == STATUS_TIMEOUT && reported("KeWaitForSingleObject", "4.6") && KeReadStateMutex(&mutex) == 1);
  KeLowerIrql(level);
}

TEST(D10_fast_mutexes) {
  FAST_MUTEX m;
  ExInitializeFastMutex(&m);
  KeEnterCriticalRegion();
  ExAcquireFastMutexUnsafe(&m);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && !ExTryToAcquireFastMutex(&m));
  ExReleaseFastMutexUnsafe(&m);
  KeLeaveCriticalRegion();
  CHECK(ExTryToAcquireFastMutex(&m) && KeGetCurrentIrql() == APC_LEVEL && reports == 0);
  ExAcquireFastMutex(&m);
  CHECK(reported("ExAcquireFastMutex", "D10"));
  ExReleaseFastMutex(&m);
  CHECK(KeGetCurrentIrql() == PASSIVE_LEVEL && reports == 0);
  ExReleaseFastMutex(&m);
  CHECK(reported("ExReleaseFastMutex", "D10"));
  KIRQL level = KeRaiseIrqlToDpcLevel();
  ExAcquireFastMutex(&m);
  CHECK(reported("ExAcquireFastMutex", "4.6"));
  CHECK(!ExTryToAcquireFastMutex(&m) && reported("ExTryToAcquireFastMutex", "4.6"));
  KeLowerIrql(level);
  ExAcquireFastMutex(&m);
  KeLowerIrql(PASSIVE_LEVEL);
  ExReleaseFastMutex(&m);
  CHECK(reported("ExReleaseFastMutex", "4.6") && ExTryToAcquireFastMutex(&m));
  ExReleaseFastMutex(&m);
}

// Two threads hand a ball over and back: a lost wake-up would leave both waiting.
static KEVENT ball[2];
static LONG rallies[2];
static void *play(void *side) {
  int mine = (int)(LONG_PTR)side;
  for (int i = 0; i < 5000 && wait_long(&ball[mine]) == STATUS_SUCCESS; i++) {
    rallies[mine]++;
    KeSetEvent(&ball[!mine], 0, FALSE);
  }
  return NULL;
}

TEST(D9_no_signal_is_lost) {
  pthread_t threads[2];
  for (int i = 0; i < 2; i++) KeInitializeEvent(&ball[i], SynchronizationEvent, i == 0);
  for (int i = 0; i < 2; i++) pthread_create(&threads[i], NULL, play, (PVOID)(LONG_PTR)i);
  for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
  CHECK(rallies[0] == 5000 && rallies[1] == 5000 && reports == 0);
}

static PKEVENT lent;
static KEVENT is_lent;
static void *set_what_is_lent(void *rounds) {
  for (LONG_PTR i = 0; i < (LONG_PTR)rounds && wait_long(&is_lent) == STATUS_SUCCESS; i++) KeSetEvent(lent, 0, FALSE);
  return NULL;
}

// An access after the wait would be one to memory that is not there.
TEST(D6_an_event_may_end_as_soon_as_its_wait_does) {
  pthread_t thread;
  LONG_PTR rounds = 3000;
  KeInitializeEvent(&is_lent, SynchronizationEvent, FALSE);
  pthread_create(&thread, NULL, set_what_is_lent, (PVOID)rounds);
  for (LONG_PTR i = 0; i < rounds; i++) {
    void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    lent = (PKEVENT)page;
    KeInitializeEvent(lent, NotificationEvent, FALSE);
    KeSetEvent(&is_lent, 0, FALSE);
    CHECK(wait_long(lent) == STATUS_SUCCESS);
    munmap(page, 4096);
  }
  pthread_join(thread, NULL);
  CHECK(reports == 0);
}

TEST(time_goes_on) {
  LARGE_INTEGER system, ticks;
  KeQuerySystemTime(&system);
  KeQueryTickCount(&ticks);
  // 2020 to 2200.
  CHECK(system.QuadPart > 132223104000000000ll && system.QuadPart < 189000000000000000ll);
  ULONGLONG now = KeQueryInterruptTime() / KeQueryTimeIncrement();
  CHECK(KeQueryTimeIncrement() == 156250 && (ULONGLONG)ticks.QuadPart <= now && now - (ULONGLONG)ticks.QuadPart < 6400);
}
