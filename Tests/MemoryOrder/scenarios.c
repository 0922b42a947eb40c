// The protocols of Sources/CUIO between threads, each as a scenario of the explorer: see explorer.h. What a scenario
// shows is in the names and in what it requires; docs/memory-order.md says for each order which scenario needs it.
#include "explorer.h"
#include "kernel.h"

#include "CUIO.h"

static struct {
  cuio_ring_page page;
  cuio_ring_entry entries[2];
  cuio_ring ring;
  uint64_t noted[CUIO_RING_CAPTURES];
  cuio_bell bell;
  cuio_ring *slot;
  cuio_listed_lock listed[2];
  cuio_histogram waits;
  cuio_line line;
  uint64_t data, total;
  uint32_t flag;
  uint16_t configuration;
  uint8_t followers;
} shared;

void *const explorer_shared = &shared;
const size_t explorer_shared_size = sizeof shared;

#define LOCK (&shared.listed[0].lock)

// MARK: Records

static void make_ring(uint64_t capacity) {
  cuio_ring_format(&shared.page, capacity);
  shared.ring = (cuio_ring){.page = &shared.page,
                            .entries = shared.entries,
                            .mask = capacity - 1,
                            .noted = shared.noted,
                            .bell = &shared.bell};
}

static void make_ring_of_two(void) { make_ring(2); }
static void make_ring_of_one(void) { make_ring(1); }

static void require_whole(const cuio_ring_entry *entry) {
  REQUIRE(entry->total == entry->time && entry->captures == 1 && entry->captured[0] == entry->total);
}

static void copy_records(uint64_t count) {
  for (uint64_t i = 1; i <= count; i++) {
    cuio_ring_entry record = {.total = i, .time = i, .captures = 1, .captured = {i}};
    cuio_ring_copy(&shared.ring, &record, 1, 0, 0);
  }
}

static void copy_three(void) { copy_records(3); }

static void take_three(void) {
  uint64_t last = 0;
  for (int i = 0; i < 3; i++) {
    cuio_ring_entry entry;
    if (!cuio_ring_take(&shared.page, shared.entries, shared.ring.mask, &entry)) continue;
    require_whole(&entry);
    REQUIRE(entry.total > last);
    last = entry.total;
  }
}

static void copy_and_wake(void) {
  copy_records(1);
  if (cuio_ring_must_wake(&shared.ring)) linux_event_signal(0, 1);
}

static void sleep_for_one(void) {
  cuio_ring_entry entry;
  while (!cuio_ring_take(&shared.page, shared.entries, shared.ring.mask, &entry))
    if (!cuio_ring_sleep(&shared.page)) kernel_sleep();
  require_whole(&entry);
}

static void copy_and_end(void) {
  copy_records(1);
  cuio_ring_end(&shared.ring);
}

static void take_after_the_end(void) {
  cuio_ring_entry entry;
  if (!cuio_ring_has_ended(&shared.page)) return;
  REQUIRE(cuio_ring_take(&shared.page, shared.entries, shared.ring.mask, &entry));
  require_whole(&entry);
}

// MARK: Records of dispatches

static void leave_with_records(uint64_t count) {
  for (uint64_t i = 1; i <= count; i++) {
    int32_t level = cuio_lock_enter(LOCK, NULL);
    shared.total = i;
    shared.ring.captures = 1;
    shared.noted[0] = i;
    cuio_ring_leave(&shared.ring, LOCK, level, 1, &shared.total, true);
  }
}

static void leave_with_one(void) { leave_with_records(1); }
static void leave_with_two(void) { leave_with_records(2); }

static uint64_t look(void) {
  uint64_t first, count = cuio_ring_waiting(&shared.ring, &first);
  for (uint64_t i = first; i < first + count; i++) {
    const cuio_ring_entry *entry = &shared.entries[i & shared.ring.mask];
    REQUIRE(entry->total > i && entry->captures == 1 && entry->captured[0] == entry->total);
  }
  cuio_ring_release(&shared.ring, count);
  return count;
}

static void observe(void) {
  while (look() == 0) {
    cuio_bell_sleep(&shared.bell);
    uint64_t first;
    if (cuio_ring_waiting(&shared.ring, &first) == 0) kernel_sleep();
  }
}

static void look_twice(void) {
  look();
  look();
}

// MARK: A ring that comes and goes

static void publish_and_withdraw(void) {
  make_ring(2);
  cuio_ring_publish(&shared.slot, &shared.ring);
  cuio_followers_add(&shared.followers, CUIO_FOLLOWERS_RECORDS);
  cuio_followers_remove(&shared.followers, CUIO_FOLLOWERS_RECORDS);
  cuio_ring_publish(&shared.slot, NULL);
}

static void note_twice(void) {
  uint64_t value = 7;
  cuio_captures captures = {&value, 1};
  for (int i = 0; i < 2; i++) {
    if (!cuio_followers_exist(&shared.followers) || !cuio_ring_is_published(&shared.slot)) continue;
    cuio_ring *ring = cuio_ring_note(&shared.slot, &captures);
    REQUIRE(ring == NULL || (ring->page == &shared.page && ring->noted[0] == 7));
  }
}

// MARK: Flags and counters

static void write_and_raise(void) {
  shared.data = 1;
  cuio_flag_raise(&shared.flag);
}

static void read_when_up(void) {
  if (cuio_flag_is_up(&shared.flag)) REQUIRE(shared.data == 1);
}

static void raised(void) { shared.flag = 1; }

static void write_and_lower(void) {
  shared.data = 1;
  cuio_flag_lower(&shared.flag);
}

static void read_when_down(void) {
  if (!cuio_flag_is_up(&shared.flag)) REQUIRE(shared.data == 1);
}

static void count_three(void) {
  for (int i = 0; i < 3; i++) cuio_counter_add(&shared.total, 1);
}

static void read_counts(void) {
  uint64_t first = cuio_counter_read(&shared.total), second = cuio_counter_read(&shared.total);
  REQUIRE(first <= second && second <= 3);
}

static bool counted_three(void) { return shared.total == 3; }

// MARK: The lock

static void change_inside(void) {
  REQUIRE(!cuio_lock_is_owned(LOCK));
  int32_t level = cuio_lock_enter(LOCK, &shared.total);
  REQUIRE(level >= 0 && cuio_lock_is_owned(LOCK));
  shared.data++;
  cuio_lock_leave(LOCK, level);
  REQUIRE(!cuio_lock_is_owned(LOCK));
}

static void try_to_change_inside(void) {
  int result = cuio_lock_acquire_for(LOCK, 0);
  REQUIRE(result == 0 || result == -ETIMEDOUT);
  if (result != 0) return;
  shared.data += 2;
  cuio_lock_release(LOCK);
}

static bool is_free_and_changed(void) { return LOCK->word == 0 && shared.data > 0; }

static void read_after_a_hold(void) {
  if (cuio_lock_is_held(LOCK) && !cuio_lock_is_held(LOCK)) REQUIRE(shared.data == 1);
}

static void keep_waits(void) {
  shared.waits.sum = 7;
  cuio_lock_keep_waits(LOCK, &shared.waits);
}

static void read_waits(void) {
  const cuio_histogram *waits = cuio_lock_waits(LOCK);
  REQUIRE(waits == NULL || waits->sum == 7);
}

static void enlist_first(void) { cuio_lock_enlist(&shared.listed[0]); }
static void enlist_second(void) { cuio_lock_enlist(&shared.listed[1]); }
static void walk_the_list(void) { cuio_lock_close_owned(); }

static void hold_and_end(void) {
  cuio_lock_enlist(&shared.listed[0]);
  if (cuio_lock_acquire(LOCK) != 0) return;
  shared.data++;
  cuio_lock_close_owned();
}

static void repair(void) {
  int result = cuio_lock_acquire(LOCK);
  if (result == -EOWNERDEAD) {
    // Who sees the owner's end sees what it left half done.
    REQUIRE(cuio_lock_is_inconsistent(LOCK) ? shared.data == 1 : true);
    result = cuio_lock_repair(LOCK);
    REQUIRE(result == 0);
    REQUIRE(shared.data == 1);
    shared.data = 0;
  }
  if (result == 0) cuio_lock_release(LOCK);
}

// MARK: COMMAND

static void make_function(void) {
  kernel_reset(&shared.configuration);
  shared.configuration = 0x403;
  shared.line = (cuio_line){.rearm = CUIO_REARM_PCI_COMMAND, .command = 3};
}

static void rearm(void) { REQUIRE(cuio_line_rearm(&shared.line) == 0); }
static void refresh(void) { REQUIRE(cuio_line_refresh_command(&shared.line) == 0); }
static void set_bus_master(void) { REQUIRE(cuio_line_set_bus_master(&shared.line, true) == 0); }

static bool masters_the_bus(void) {
  return shared.configuration & CUIO_PCI_COMMAND_MASTER && shared.line.command & CUIO_PCI_COMMAND_MASTER;
}

const explorer_scenario explorer_scenarios[] = {
    {"records reach another process whole and in order", make_ring_of_two, {copy_three, take_three}, NULL},
    {"an observer does not sleep over a record", make_ring_of_two, {copy_and_wake, sleep_for_one}, NULL},
    {"records that came before the end can be taken", make_ring_of_two, {copy_and_end, take_after_the_end}, NULL},
    {"the observers' thread does not sleep over a dispatch", make_ring_of_two, {leave_with_one, observe}, NULL},
    {"a dispatch does not write a record that is being read", make_ring_of_one, {leave_with_two, look_twice}, NULL},
    {"a dispatch finds a ring that is ready", NULL, {publish_and_withdraw, note_twice}, NULL},
    {"a flag that is up shows what was written before", NULL, {write_and_raise, read_when_up}, NULL},
    {"a flag that is down shows what was written before", raised, {write_and_lower, read_when_down}, NULL},
    {"a counter never runs backwards", NULL, {count_three, read_counts}, counted_three},
    {"one thread at a time is inside", NULL, {change_inside, change_inside}, is_free_and_changed},
    {"a thread that only tries is inside alone", NULL, {change_inside, try_to_change_inside}, is_free_and_changed},
    {"who sees a hold end sees what it did", NULL, {change_inside, read_after_a_hold}, NULL},
    {"waits are kept in a histogram that is ready", NULL, {keep_waits, read_waits}, NULL},
    {"the list of locks can be walked while it grows", NULL, {enlist_first, enlist_second, walk_the_list}, NULL},
    {"a repair sees what the dead owner did", NULL, {hold_and_end, repair}, NULL},
    {"bus mastering survives a re-arm", make_function, {rearm, set_bus_master}, masters_the_bus},
    {"bus mastering survives a new look at COMMAND", make_function, {refresh, set_bus_master}, masters_the_bus},
};

const size_t explorer_scenario_count = sizeof explorer_scenarios / sizeof *explorer_scenarios;
