// The ring of interrupt events: order, the drop of the newest, wake-ups, a writer and a reader at once.
#include "check.h"

#include "CUIO.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

// The writer's own: one test at a time has them.
static uint64_t noted[CUIO_RING_CAPTURES];
static cuio_lock lock;

static cuio_ring make(cuio_ring_page *page, cuio_ring_entry *entries, uint64_t count) {
  cuio_ring_format(page, count);
  return (cuio_ring){.page = page, .entries = entries, .mask = count - 1, .noted = noted};
}

static bool take(cuio_ring *ring, cuio_ring_entry *entry) {
  return cuio_ring_take(ring->page, ring->entries, ring->mask, entry);
}

// What one dispatch does.
static void dispatch(cuio_ring **slot, uint64_t count, uint64_t total, bool claimed, const uint64_t *captured,
                     uint32_t captures) {
  cuio_captures values = {captured, captures};
  int32_t level = cuio_lock_enter(&lock, NULL);
  if (cuio_ring_is_published(slot)) cuio_ring_leave(cuio_ring_note(slot, &values), &lock, level, count, &total, claimed);
  else cuio_lock_leave(&lock, level);
}

static void put(cuio_ring *ring, uint64_t count, uint64_t total, bool claimed) {
  dispatch(&ring, count, total, claimed, NULL, 0);
}

TEST(ring_gives_events_in_order) {
  cuio_ring_entry entries[4], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4);
  CHECK(!take(&ring, &entry));
  put(&ring, 1, 1, true);
  put(&ring, 3, 4, false);
  CHECK(take(&ring, &entry));
  CHECK(entry.count == 1 && entry.total == 1 && entry.claimed == 1);
  uint64_t first = entry.time;
  CHECK(take(&ring, &entry));
  CHECK(entry.count == 3 && entry.total == 4 && entry.claimed == 0 && entry.time >= first);
  CHECK(!take(&ring, &entry));
}

TEST(ring_that_is_full_drops_the_newest_and_counts_it) {
  cuio_ring_entry entries[2], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 2);
  for (uint64_t i = 1; i <= 5; i++) put(&ring, 1, i, true);
  CHECK_EQUAL(cuio_ring_dropped(&page), 3);
  CHECK(take(&ring, &entry) && entry.total == 1 && entry.dropped == 0);
  put(&ring, 1, 6, true);
  CHECK(take(&ring, &entry) && entry.total == 2);
  CHECK(take(&ring, &entry) && entry.total == 6 && entry.dropped == 3);
}

TEST(ring_that_is_not_published_gets_nothing) {
  cuio_ring_entry entries[2], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 2), *slot = NULL;
  dispatch(&slot, 1, 1, true, NULL, 0);
  cuio_ring_publish(&slot, &ring);
  dispatch(&slot, 1, 2, true, NULL, 0);
  cuio_ring_publish(&slot, NULL);
  dispatch(&slot, 1, 3, true, NULL, 0);
  CHECK(take(&ring, &entry) && entry.total == 2);
  CHECK(!take(&ring, &entry));
}

TEST(ring_rings_the_bell_of_a_sleeping_reader_once) {
  cuio_ring_entry entries[4];
  cuio_bell bell = {.fd = linux_event_create()};
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4);
  ring.bell = &bell;
  put(&ring, 1, 1, true);
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  cuio_bell_sleep(&bell);
  put(&ring, 1, 2, true);
  CHECK_EQUAL(linux_event_drain(bell.fd), 0);
  put(&ring, 1, 3, true);
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  close(bell.fd);
}

TEST(ring_shows_a_record_when_the_lock_is_free_not_when_it_is_noted) {
  cuio_ring_entry entries[2], entry;
  cuio_bell bell = {.asleep = 1, .fd = -1};
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 2), *slot = &ring;
  ring.bell = &bell;
  uint64_t total = 5, captured[1] = {7};
  cuio_captures captures = {captured, 1};
  int32_t level = cuio_lock_enter(&lock, NULL);
  CHECK(cuio_ring_note(&slot, &captures) == &ring);
  captured[0] = 8;
  CHECK(!take(&ring, &entry) && bell.asleep == 1);
  // There is no observer any more: the dispatch that has the ring writes it a last time.
  cuio_ring_publish(&slot, NULL);
  bell.asleep = 0;
  cuio_ring_leave(&ring, &lock, level, 2, &total, true);
  CHECK(!cuio_lock_is_held(&lock));
  CHECK(take(&ring, &entry) && entry.count == 2 && entry.total == 5 && entry.captures == 1 && entry.captured[0] == 7);
  // A dispatch that looked before.
  level = cuio_lock_enter(&lock, NULL);
  cuio_ring_leave(cuio_ring_note(&slot, &captures), &lock, level, 2, &total, true);
  CHECK(!take(&ring, &entry) && !cuio_lock_is_held(&lock));
}

TEST(ring_shows_what_waits_up_to_its_turn) {
  cuio_ring_entry entries[4], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4);
  uint64_t first = 99;
  CHECK(cuio_ring_waiting(&ring, &first) == 0 && first == 0);
  for (uint64_t i = 0; i < 3; i++) put(&ring, 1, i, true);
  CHECK(cuio_ring_waiting(&ring, &first) == 3 && first == 0);
  cuio_ring_release(&ring, 2);
  for (uint64_t i = 3; i < 6; i++) put(&ring, 1, i, true);
  CHECK(cuio_ring_waiting(&ring, &first) == 2 && first == 2);
  cuio_ring_release(&ring, 2);
  CHECK(cuio_ring_waiting(&ring, &first) == 2 && first == 4);
  CHECK(take(&ring, &entry) && entry.total == 4);
}

TEST(ring_of_an_observer_tells_everything_that_it_misses) {
  cuio_ring_entry records[3] = {{.total = 1, .dropped = 5}, {.total = 2, .dropped = 7}, {.total = 3, .dropped = 7}};
  cuio_ring_entry entries[2], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 2);
  // The source had dropped 5 when the observer began, and has dropped 8 now; the third finds the ring full.
  cuio_ring_copy(&ring, records, 3, 5, 8);
  CHECK_EQUAL(cuio_ring_dropped(&page), 4);
  CHECK(take(&ring, &entry) && entry.total == 1 && entry.dropped == 0);
  CHECK(take(&ring, &entry) && entry.total == 2 && entry.dropped == 2);
  CHECK(!take(&ring, &entry));
  cuio_ring_copy(&ring, NULL, 0, 5, 9);
  CHECK_EQUAL(cuio_ring_dropped(&page), 5);
}

TEST(ring_of_an_observer_asks_for_one_wake_up) {
  cuio_ring_entry record = {.total = 1}, entries[4];
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4);
  cuio_ring_copy(&ring, &record, 1, 0, 0);
  CHECK(!cuio_ring_must_wake(&ring));
  // There is a record, so the reader must not sleep; the writer may wake it all the same, once.
  CHECK(cuio_ring_sleep(&page));
  CHECK(cuio_ring_must_wake(&ring));
  CHECK(!cuio_ring_must_wake(&ring));
}

static void *write_many(void *context) {
  for (uint64_t i = 1; i <= 20000; i++) put(context, 1, i, true);
  return NULL;
}

TEST(ring_loses_nothing_but_what_it_counts) {
  cuio_ring_entry entries[16], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 16);
  pthread_t writer;
  CHECK_EQUAL(pthread_create(&writer, NULL, write_many, &ring), 0);
  uint64_t taken = 0, last = 0;
  bool is_ordered = true;
  // The last events may be dropped: the sum is looked at once the writer has ended.
  while (taken + cuio_ring_dropped(&page) < 20000) {
    if (!take(&ring, &entry)) continue;
    is_ordered &= entry.total > last;
    last = entry.total;
    taken++;
  }
  pthread_join(writer, NULL);
  CHECK(is_ordered);
  CHECK_EQUAL(taken + cuio_ring_dropped(&page), 20000);
}

TEST(ring_carries_what_was_captured) {
  cuio_ring_page page;
  cuio_ring_entry entries[2], entry;
  cuio_ring ring = make(&page, entries, 2);
  uint64_t captured[9] = {11, 12, 13, 14, 15, 16, 17, 18, 19};
  cuio_ring *slot = &ring;
  dispatch(&slot, 1, 1, true, captured, 2);
  dispatch(&slot, 1, 2, true, captured, 9);
  CHECK(take(&ring, &entry) && entry.captures == 2 && entry.captured[0] == 11 && entry.captured[1] == 12);
  CHECK(take(&ring, &entry) && entry.captures == CUIO_RING_CAPTURES && entry.captured[7] == 18);
}

TEST(ring_in_shared_memory_is_sealed_and_valid) {
  cuio_ring_page *page = NULL;
  int fd = cuio_ring_file(16, &page);
  CHECK(fd >= 0 && page != NULL);
  CHECK(cuio_ring_is_valid(page, cuio_ring_size(16)));
  CHECK(!cuio_ring_is_valid(page, cuio_ring_size(15)));
  CHECK(ftruncate(fd, 0) == -1 && errno == EPERM);
  CHECK(ftruncate(fd, 1 << 20) == -1 && errno == EPERM);
  page->capacity = 3;
  CHECK(!cuio_ring_is_valid(page, cuio_ring_size(16)));
  page->capacity = UINT64_C(1) << 63;
  CHECK(!cuio_ring_is_valid(page, cuio_ring_size(16)));
  CHECK_EQUAL(cuio_unmap(page, cuio_ring_size(16)), 0);
  close(fd);
}

TEST(ring_writer_believes_nothing_of_what_a_reader_may_write) {
  cuio_ring_page *page = NULL;
  int fd = cuio_ring_file(4, &page);
  cuio_ring_entry *entries = cuio_ring_entries(page), entry, record = {.total = 42};
  cuio_ring ring = {.page = page, .entries = entries, .mask = 3};
  uint64_t lies[] = {1, 5, UINT64_MAX, UINT64_C(1) << 63};
  for (int i = 0; i < 4; i++) {
    page->read = lies[i];
    page->written = 77 + i, page->dropped = 99, page->capacity = 1 << 20, page->entry_size = 1;
    cuio_ring_copy(&ring, &record, 1, 0, 0);
    CHECK(ring.written <= 4);
  }
  CHECK_EQUAL(page->dropped, ring.dropped);
  // An honest reader from here on.
  page->read = page->written = ring.written;
  cuio_ring_copy(&ring, &record, 1, 0, 0);
  CHECK(!cuio_ring_must_wake(&ring));
  CHECK(take(&ring, &entry) && entry.total == 42);
  CHECK(!cuio_ring_sleep(page));
  cuio_ring_copy(&ring, &record, 1, 0, 0);
  CHECK(cuio_ring_must_wake(&ring));
  CHECK_EQUAL(cuio_unmap(page, cuio_ring_size(4)), 0);
  close(fd);
}
