// The ring of interrupt events: order, the drop of the newest, wake-ups, a writer and a reader at once.
#include "check.h"

#include "CUIO.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

static cuio_ring make(cuio_ring_page *page, cuio_ring_entry *entries, uint64_t count, int wake_fd) {
  cuio_ring_format(page, count);
  return (cuio_ring){.page = page, .entries = entries, .mask = count - 1, .wake_fd = wake_fd};
}

static bool take(cuio_ring *ring, cuio_ring_entry *entry) {
  return cuio_ring_take(ring->page, ring->entries, ring->mask, entry);
}

static void put(cuio_ring *ring, uint64_t count, uint64_t total, bool claimed) {
  cuio_ring_put(ring, count, total, claimed, NULL, 0);
}

TEST(ring_gives_events_in_order) {
  cuio_ring_entry entries[4], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4, -1);
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
  cuio_ring ring = make(&page, entries, 2, -1);
  for (uint64_t i = 1; i <= 5; i++) put(&ring, 1, i, true);
  CHECK_EQUAL(cuio_ring_dropped(&page), 3);
  CHECK(take(&ring, &entry) && entry.total == 1 && entry.dropped == 0);
  put(&ring, 1, 6, true);
  CHECK(take(&ring, &entry) && entry.total == 2);
  CHECK(take(&ring, &entry) && entry.total == 6 && entry.dropped == 3);
}

TEST(ring_puts_into_every_ring_linked_to_it) {
  cuio_ring_entry first[2], second[2], entry;
  cuio_ring_page pages[2];
  cuio_ring last = make(&pages[0], second, 2, -1), head = make(&pages[1], first, 2, -1);
  head.next = &last;
  put(&head, 1, 7, true);
  CHECK(take(&head, &entry) && entry.total == 7);
  CHECK(take(&last, &entry) && entry.total == 7);
}

TEST(ring_wakes_a_sleeping_reader_once) {
  cuio_ring_entry entries[4];
  int fd = linux_event_create();
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 4, fd);
  put(&ring, 1, 1, true);
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  CHECK(cuio_ring_sleep(&page));
  put(&ring, 1, 2, true);
  CHECK_EQUAL(linux_event_drain(fd), 0);
  put(&ring, 1, 3, true);
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  close(fd);
}

static void *write_many(void *context) {
  for (uint64_t i = 1; i <= 20000; i++) put(context, 1, i, true);
  return NULL;
}

TEST(ring_loses_nothing_but_what_it_counts) {
  cuio_ring_entry entries[16], entry;
  cuio_ring_page page;
  cuio_ring ring = make(&page, entries, 16, -1);
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
  cuio_ring ring = make(&page, entries, 2, -1);
  uint64_t captured[9] = {11, 12, 13, 14, 15, 16, 17, 18, 19};
  cuio_ring_put(&ring, 1, 1, true, captured, 2);
  cuio_ring_put(&ring, 1, 2, true, captured, 9);
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
  int fd = cuio_ring_file(4, &page), event = linux_event_create();
  cuio_ring_entry *entries = cuio_ring_entries(page), entry;
  cuio_ring ring = {.page = page, .entries = entries, .mask = 3, .wake_fd = event, .wakes_at_once = true};
  uint64_t lies[] = {1, 5, UINT64_MAX, UINT64_C(1) << 63};
  for (int i = 0; i < 4; i++) {
    page->read = lies[i];
    page->written = 77 + i, page->dropped = 99, page->capacity = 1 << 20, page->entry_size = 1;
    put(&ring, 1, 1, true);
    CHECK(ring.written <= 4);
  }
  CHECK_EQUAL(page->dropped, ring.dropped);
  // An honest reader from here on.
  page->read = page->written = ring.written;
  put(&ring, 1, 42, true);
  CHECK(take(&ring, &entry) && entry.total == 42);
  CHECK(!cuio_ring_sleep(page));
  put(&ring, 1, 43, true);
  CHECK_EQUAL(linux_event_drain(event), 0);
  close(event);
  close(fd);
}
