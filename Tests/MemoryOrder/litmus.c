// What is known of C11's memory order, put to the explorer: of each little program whether its weak outcome can come. A
// scenario fails when it does. The names of those in which it must begin with "weak".
#include "explorer.h"

#include <stddef.h>

static struct {
  int x, y, plain;
} shared;

void *const explorer_shared = &shared;
const size_t explorer_shared_size = sizeof shared;

// What the threads have read: their own, by number.
static int first[EXPLORER_THREADS], second[EXPLORER_THREADS];

static void reset(void) {
  for (int i = 0; i < EXPLORER_THREADS; i++) first[i] = second[i] = -1;
}

#define READ(place, order) __atomic_load_n(&shared.place, __ATOMIC_##order)
#define WRITE(place, order) __atomic_store_n(&shared.place, 1, __ATOMIC_##order)
#define FENCE(order) __atomic_thread_fence(__ATOMIC_##order)

// Each stores its own and looks at the other's: neither sees the other.
#define STORE_BUFFERING(name, stores, between, loads)                              \
  static void name##_0(void) { WRITE(x, stores), between, first[0] = READ(y, loads); } \
  static void name##_1(void) { WRITE(y, stores), between, first[1] = READ(x, loads); }

STORE_BUFFERING(buffered, RELEASE, (void)0, ACQUIRE)
STORE_BUFFERING(consistent, SEQ_CST, (void)0, SEQ_CST)
STORE_BUFFERING(half, SEQ_CST, (void)0, ACQUIRE)
STORE_BUFFERING(fenced, RELAXED, FENCE(SEQ_CST), RELAXED)
STORE_BUFFERING(lightly_fenced, RELAXED, FENCE(ACQ_REL), RELAXED)

static bool one_sees_the_other(void) { return first[0] == 1 || first[1] == 1; }

static void fence_and_ask(void) { WRITE(x, RELEASE), FENCE(SEQ_CST), first[0] = READ(y, RELAXED); }

// A message and the flag that announces it: the flag is seen, and the message is not.
#define MESSAGE(name, stores, before, loads, after)                                              \
  static void name##_0(void) { WRITE(x, RELAXED), before, WRITE(y, stores); }                    \
  static void name##_1(void) { first[1] = READ(y, loads), after, second[1] = READ(x, RELAXED); }

MESSAGE(ordered, RELEASE, (void)0, ACQUIRE, (void)0)
MESSAGE(unreleased, RELAXED, (void)0, ACQUIRE, (void)0)
MESSAGE(unacquired, RELEASE, (void)0, RELAXED, (void)0)
MESSAGE(by_fences, RELAXED, FENCE(RELEASE), RELAXED, FENCE(ACQUIRE))

static bool message_is_seen(void) { return first[1] != 1 || second[1] == 1; }

// The flag is changed by a third thread on its way: a release sequence goes through a change, not through a store.
static void announce(void) { WRITE(x, RELAXED), WRITE(y, RELEASE); }
static void change(void) { __atomic_fetch_or(&shared.y, 2, __ATOMIC_RELAXED); }
static void see_changed(void) {
  first[2] = READ(y, ACQUIRE) == 3;
  second[2] = READ(x, RELAXED);
}
static void replace(void) {
  if (READ(y, RELAXED) == 1) __atomic_store_n(&shared.y, 3, __ATOMIC_RELAXED);
}
static bool sequence_is_seen(void) { return first[2] != 1 || second[2] == 1; }

// Two looks at one place never go back.
static void look_twice(void) { first[1] = READ(x, RELAXED), second[1] = READ(x, RELAXED); }
static void store_x(void) { WRITE(x, RELAXED); }
static bool never_goes_back(void) { return first[1] <= second[1]; }

// Two changes of one place: none is lost.
static void add(void) { __atomic_fetch_add(&shared.x, 1, __ATOMIC_RELAXED); }
static bool both_are_added(void) { return shared.x == 2; }

// Plain memory behind a flag.
static void write_plain(void) { shared.plain = 1, WRITE(x, RELEASE); }
static void read_plain(void) {
  if (READ(x, ACQUIRE) == 1) first[1] = shared.plain;
}
static void read_plain_at_once(void) {
  if (READ(x, RELAXED) == 1) first[1] = shared.plain;
}

const explorer_scenario explorer_scenarios[] = {
    {"weak: store buffering, release and acquire", reset, {buffered_0, buffered_1}, one_sees_the_other},
    {"store buffering, sequentially consistent", reset, {consistent_0, consistent_1}, one_sees_the_other},
    {"weak: store buffering, loads that acquire", reset, {half_0, half_1}, one_sees_the_other},
    {"store buffering, fences", reset, {fenced_0, fenced_1}, one_sees_the_other},
    {"weak: store buffering, light fences", reset, {lightly_fenced_0, lightly_fenced_1}, one_sees_the_other},
    {"store buffering, a fence on one side", reset, {fence_and_ask, consistent_1}, one_sees_the_other},
    {"message, release and acquire", reset, {ordered_0, ordered_1}, message_is_seen},
    {"weak: message, no release", reset, {unreleased_0, unreleased_1}, message_is_seen},
    {"weak: message, no acquire", reset, {unacquired_0, unacquired_1}, message_is_seen},
    {"message, fences", reset, {by_fences_0, by_fences_1}, message_is_seen},
    {"release sequence through a change", reset, {announce, change, see_changed}, sequence_is_seen},
    {"weak: release sequence through another's store", reset, {announce, replace, see_changed}, sequence_is_seen},
    {"coherence", reset, {store_x, look_twice}, never_goes_back},
    {"changes", reset, {add, add}, both_are_added},
    {"plain memory, ordered", reset, {write_plain, read_plain}, NULL},
    {"weak: plain memory, a data race", reset, {write_plain, read_plain_at_once}, NULL},
};

const size_t explorer_scenario_count = sizeof explorer_scenarios / sizeof *explorer_scenarios;
