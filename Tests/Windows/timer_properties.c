// Timers of both shapes (D11) against a slow, obvious reference: random settings, cancellations, waits, releases of
// memory, lapses of time and steps of the system's clock. The reference is an array without order that is searched for
// each expiry, with time in 128 bits, and finds the next period by counting. Time is virtual, so each step has one
// right outcome. The seed is printed, and INTERRUPTSYNC_SEED sets it.
#define _GNU_SOURCE
#include "wdf_fixture.h"

#include "virtual_clock.h"

#include <sched.h>
#include <stdlib.h>

enum { TIMERS = 8, STEPS = 4000, MOST_RUNS = 64 };
// Everything happens on a grid, so that times are often equal.
static const int64_t grid = 500000, unit = 100, millisecond = 1000000;
static const int64_t unix_epoch = 116444736000000000;
typedef __int128 nanoseconds;

typedef struct {
  bool is_set, is_signalled, is_synchronization, has_routine;
  int clock;
  nanoseconds due;
  // The order in which timers with the same time were set.
  uint64_t place;
  int64_t period;
  int calls;
} reference;

static reference wanted[TIMERS];
static uint64_t places;
// The timers whose routines must run and those whose routines have run, in that order.
static int wanted_runs[MOST_RUNS], runs[MOST_RUNS], wanted_count;
static int run_count;
static int calls[TIMERS];

static uint64_t random_state;

// SplitMix64.
static uint64_t random_below(uint64_t bound) {
  random_state += 0x9e3779b97f4a7c15;
  uint64_t mixed = random_state;
  mixed = (mixed ^ (mixed >> 30)) * 0xbf58476d1ce4e5b9;
  mixed = (mixed ^ (mixed >> 27)) * 0x94d049bb133111eb;
  return (mixed ^ (mixed >> 31)) % bound;
}

static void seed(const char *test) {
  const char *given = getenv("INTERRUPTSYNC_SEED");
  random_state = given ? strtoull(given, NULL, 10) : kernel_nanoseconds(CLOCK_MONOTONIC) & 0xffffffff;
  printf("%s: INTERRUPTSYNC_SEED=%llu\n", test, (unsigned long long)random_state);
}

// The reference.

static void expire_wanted(int timer, nanoseconds late) {
  reference *r = &wanted[timer];
  r->is_signalled = true;
  if (r->has_routine) {
    r->calls++;
    if (wanted_count < MOST_RUNS) wanted_runs[wanted_count++] = timer;
  }
  r->is_set = r->period != 0;
  if (!r->is_set) return;
  nanoseconds now = virtual_clock.now[STEADY];
  r->clock = STEADY;
  for (r->due = now - late; r->due <= now;) r->due += r->period * millisecond;
  r->place = places++;
}

static bool set_wanted(int timer, int64_t due, int64_t period, bool has_routine) {
  reference *r = &wanted[timer];
  bool was_set = r->is_set;
  r->is_signalled = false;
  r->period = period;
  r->has_routine = has_routine;
  r->clock = due < 0 ? STEADY : SYSTEM;
  r->due = due < 0 ? virtual_clock.now[STEADY] - (nanoseconds)due * unit : ((nanoseconds)due - unix_epoch) * unit;
  r->place = places++;
  r->is_set = true;
  if (r->due <= virtual_clock.now[r->clock]) expire_wanted(timer, 0);
  return was_set;
}

// The set timer of a clock that is due first, or -1.
static int first_due(int clock) {
  int first = -1;
  for (int i = 0; i < TIMERS; i++) {
    const reference *r = &wanted[i];
    if (!r->is_set || r->clock != clock || r->due > virtual_clock.now[clock]) continue;
    if (first < 0 || r->due < wanted[first].due || (r->due == wanted[first].due && r->place < wanted[first].place))
      first = i;
  }
  return first;
}

static void advance(uint64_t lapse, int64_t step) {
  clock_advance(lapse, step);
  for (int clock = 0; clock < CLOCKS; clock++)
    for (int i; (i = first_due(clock)) >= 0;) expire_wanted(i, virtual_clock.now[clock] - wanted[i].due);
}

static bool take_wanted(int timer) {
  bool is_signalled = wanted[timer].is_signalled;
  if (wanted[timer].is_synchronization) wanted[timer].is_signalled = false;
  return is_signalled;
}

// Choices.

static int64_t random_due(void) {
  int64_t lapse = (int64_t)random_below(20) * grid / unit;
  int64_t now = unix_epoch + (int64_t)(virtual_clock.now[SYSTEM] / (uint64_t)unit);
  switch (random_below(10)) {
    case 0: return INT64_MIN;
    case 1: return INT64_MAX;
    case 2: return (int64_t)random_below(2);
    case 3: return -1;
    case 4: return now - lapse;
    case 5:
    case 6: return now + lapse;
    default: return -lapse;
  }
}

static void random_advance(void) {
  uint64_t lapse = random_below(12) * (uint64_t)grid;
  int64_t step = 0;
  switch (random_below(8)) {
    case 0: lapse = random_below(3600) * 1000000000; break;
    case 1: lapse = random_below(3); break;
    case 2: step = ((int64_t)random_below(40) - 20) * grid; break;
    default: break;
  }
  advance(lapse, step);
}

static LARGE_INTEGER large(int64_t value) {
  LARGE_INTEGER number;
  number.QuadPart = value;
  return number;
}

// KTIMER.

static PKTIMER timers[TIMERS];
static KDPC dpcs[TIMERS];

static void dpc_ran(PKDPC dpc, PVOID context, PVOID first, PVOID second) {
  CHECK(first == NULL && second == NULL && KeGetCurrentIrql() == DISPATCH_LEVEL);
  int timer = (int)(dpc - dpcs);
  CHECK(context == &wanted[timer]);
  calls[timer]++;
  if (run_count < MOST_RUNS) runs[run_count++] = timer;
}

static void initialize(int timer) {
  wanted[timer] = (reference){.is_synchronization = random_below(2), .calls = wanted[timer].calls};
  if (random_below(2) && !wanted[timer].is_synchronization) KeInitializeTimer(timers[timer]);
  else KeInitializeTimerEx(timers[timer], wanted[timer].is_synchronization ? SynchronizationTimer : NotificationTimer);
}

static void allocate(int timer) {
  timers[timer] = (PKTIMER)ExAllocatePool2(POOL_FLAG_NON_PAGED, sizeof(KTIMER), 1);
  initialize(timer);
}

// What the memory's owner is told, and when.
static bool release(int timer) {
  bool was_set = wanted[timer].is_set;
  ExFreePool(timers[timer]);
  return was_set ? reported("KTIMER", "D11") : reports == 0;
}

static bool set_timer(int timer) {
  int64_t due = random_due(), period = random_below(3) ? 0 : (int64_t)random_below(5);
  bool has_dpc = random_below(4);
  BOOLEAN was_set = period || random_below(2)
                        ? KeSetTimerEx(timers[timer], large(due), (LONG)period, has_dpc ? &dpcs[timer] : NULL)
                        : KeSetTimer(timers[timer], large(due), has_dpc ? &dpcs[timer] : NULL);
  return was_set == set_wanted(timer, due, period, has_dpc);
}

static bool cancel_timer(int timer) {
  bool was_set = wanted[timer].is_set;
  wanted[timer].is_set = false;
  return KeCancelTimer(timers[timer]) == was_set;
}

static bool look_at(int timer) {
  LARGE_INTEGER zero = large(0);
  NTSTATUS status = KeWaitForSingleObject(timers[timer], Executive, KernelMode, FALSE, &zero);
  return status == (take_wanted(timer) ? STATUS_SUCCESS : STATUS_TIMEOUT);
}

// Of neighbours, at most as many as need no blocks.
static bool look_at_several(int timer) {
  LARGE_INTEGER zero = large(0);
  PVOID objects[THREAD_WAIT_OBJECTS];
  WAIT_TYPE type = random_below(2) ? WaitAll : WaitAny;
  int first = -1, signalled = 0;
  for (int i = THREAD_WAIT_OBJECTS - 1; i >= 0; i--) {
    int which = (timer + i) % TIMERS;
    objects[i] = timers[which];
    if (wanted[which].is_signalled) first = i, signalled++;
  }
  NTSTATUS status =
      KeWaitForMultipleObjects(THREAD_WAIT_OBJECTS, objects, type, Executive, KernelMode, FALSE, &zero, NULL);
  if (type == WaitAny && first >= 0) return take_wanted((timer + first) % TIMERS) && status == STATUS_WAIT_0 + first;
  if (type == WaitAny || signalled < THREAD_WAIT_OBJECTS) return status == STATUS_TIMEOUT;
  for (int i = 0; i < THREAD_WAIT_OBJECTS; i++) take_wanted((timer + i) % TIMERS);
  return status == STATUS_SUCCESS;
}

static bool step(int timer) {
  switch (random_below(12)) {
    case 0:
    case 1:
    case 2: return set_timer(timer);
    case 3: return cancel_timer(timer);
    case 4: return look_at(timer);
    case 5: return look_at_several(timer);
    case 6: return initialize(timer), true;
    case 7: {
      bool is_right = release(timer);
      allocate(timer);
      return is_right;
    }
    default: return random_advance(), true;
  }
}

static bool is_as_wanted(void) {
  KeFlushQueuedDpcs();
  bool is_right = run_count == wanted_count && memcmp(runs, wanted_runs, sizeof *runs * (size_t)run_count) == 0;
  for (int i = 0; i < TIMERS; i++)
    is_right = is_right && KeReadStateTimer(timers[i]) == wanted[i].is_signalled && calls[i] == wanted[i].calls;
  run_count = wanted_count = 0;
  return is_right && reports == 0;
}

TEST(D11_timers_do_what_the_reference_does) {
  seed("D11_timers_do_what_the_reference_does");
  for (int i = 0; i < TIMERS; i++) KeInitializeDpc(&dpcs[i], dpc_ran, &wanted[i]), allocate(i);
  clock_start();
  for (int i = 0; i < STEPS; i++) {
    bool is_right = step((int)random_below(TIMERS));
    CHECK(is_right && is_as_wanted());
    if (check_failures() != 0) {
      printf("  at step %d\n", i);
      break;
    }
  }
  int total = 0;
  for (int i = 0; i < TIMERS; i++) {
    total += calls[i];
    KeCancelTimer(timers[i]);
    ExFreePool(timers[i]);
  }
  // The choices reach what is to be tested.
  CHECK(total > STEPS / 20);
  clock_end();
}

// WDFTIMER. Its routine, level and period are those of its creation.

typedef struct {
  int timer;
} timer_context;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(timer_context, GetTimerContext)

static WDFTIMER handles[TIMERS];
static bool is_passive[TIMERS];

static VOID callback_ran(WDFTIMER handle) {
  int timer = GetTimerContext(handle)->timer;
  CHECK(KeGetCurrentIrql() == (is_passive[timer] ? PASSIVE_LEVEL : DISPATCH_LEVEL));
  __atomic_fetch_add(&calls[timer], 1, __ATOMIC_SEQ_CST);
}

static void create(int timer) {
  is_passive[timer] = random_below(2);
  ULONG period = is_passive[timer] ? 0 : (ULONG)random_below(4);
  wanted[timer] = (reference){.period = period, .calls = wanted[timer].calls};
  WDF_TIMER_CONFIG config;
  WDF_TIMER_CONFIG_INIT(&config, callback_ran);
  config.Period = period;
  config.AutomaticSerialization = FALSE;
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&attributes, timer_context);
  attributes.ParentObject = the_device;
  attributes.ExecutionLevel = is_passive[timer] ? WdfExecutionLevelPassive : WdfExecutionLevelDispatch;
  CHECK(WdfTimerCreate(&config, &attributes, &handles[timer]) == STATUS_SUCCESS);
  GetTimerContext(handles[timer])->timer = timer;
}

static bool framework_step(int timer) {
  switch (random_below(8)) {
    case 0:
    case 1:
    case 2: {
      int64_t due = random_due();
      BOOLEAN was_set = WdfTimerStart(handles[timer], due);
      return was_set == set_wanted(timer, due, wanted[timer].period, true);
    }
    case 3: {
      bool was_set = wanted[timer].is_set;
      wanted[timer].is_set = false;
      return WdfTimerStop(handles[timer], (BOOLEAN)random_below(2)) == was_set;
    }
    case 4:
      WdfObjectDelete(handles[timer]);
      create(timer);
      return true;
    default: return random_advance(), true;
  }
}

// Callbacks at PASSIVE_LEVEL run on other threads: waits for those that are missing, 10 seconds of the kernel's at most.
static bool calls_are_as_wanted(void) {
  uint64_t deadline = kernel_nanoseconds(CLOCK_MONOTONIC) + 10000000000;
  KeFlushQueuedDpcs();
  wanted_count = 0;
  for (int i = 0; i < TIMERS; i++) {
    while (__atomic_load_n(&calls[i], __ATOMIC_SEQ_CST) < wanted[i].calls &&
           kernel_nanoseconds(CLOCK_MONOTONIC) < deadline)
      sched_yield();
    if (__atomic_load_n(&calls[i], __ATOMIC_SEQ_CST) != wanted[i].calls) return false;
  }
  return reports == 0;
}

TEST(D11_framework_timers_do_what_the_reference_does) {
  seed("D11_framework_timers_do_what_the_reference_does");
  memset(wanted, 0, sizeof wanted), memset(calls, 0, sizeof calls);
  begin(), add(0);
  for (int i = 0; i < TIMERS; i++) create(i);
  clock_start();
  for (int i = 0; i < STEPS / 2; i++) {
    bool is_right = framework_step((int)random_below(TIMERS));
    CHECK(is_right && calls_are_as_wanted());
    if (check_failures() != 0) {
      printf("  at step %d\n", i);
      break;
    }
  }
  int total = 0;
  for (int i = 0; i < TIMERS; i++) total += calls[i];
  CHECK(total > STEPS / 40);
  clock_end();
  end();
  CHECK(reports == 0);
}
