// The ring of interrupt events: order, the drop of the newest, wake-ups, a writer and a reader at once.
#include "check.h"

#include "CUIO.h"

#include <pthread.h>
#include <unistd.h>

static cuio_ring make(cuio_ring_entry *entries, uint64_t count, int wake_fd) {
  return (cuio_ring){.entries = entries, .mask = count - 1, .wake_fd = wake_fd};
}

TEST(ring_gives_events_in_order) {
  cuio_ring_entry entries[4], entry;
  cuio_ring ring = make(entries, 4, -1);
  CHECK(!cuio_ring_take(&ring, &entry));
  cuio_ring_put(&ring, 1, 1, true);
  cuio_ring_put(&ring, 3, 4, false);
  CHECK(cuio_ring_take(&ring, &entry));
  CHECK(entry.count == 1 && entry.total == 1 && entry.claimed == 1);
  uint64_t first = entry.time;
  CHECK(cuio_ring_take(&ring, &entry));
  CHECK(entry.count == 3 && entry.total == 4 && entry.claimed == 0 && entry.time >= first);
  CHECK(!cuio_ring_take(&ring, &entry));
}

TEST(ring_that_is_full_drops_the_newest_and_counts_it) {
  cuio_ring_entry entries[2], entry;
  cuio_ring ring = make(entries, 2, -1);
  for (uint64_t i = 1; i <= 5; i++) cuio_ring_put(&ring, 1, i, true);
  CHECK_EQ(cuio_ring_dropped(&ring), 3);
  CHECK(cuio_ring_take(&ring, &entry) && entry.total == 1 && entry.dropped == 0);
  cuio_ring_put(&ring, 1, 6, true);
  CHECK(cuio_ring_take(&ring, &entry) && entry.total == 2);
  CHECK(cuio_ring_take(&ring, &entry) && entry.total == 6 && entry.dropped == 3);
}

TEST(ring_puts_into_every_ring_linked_to_it) {
  cuio_ring_entry first[2], second[2], entry;
  cuio_ring last = make(second, 2, -1), head = make(first, 2, -1);
  head.next = &last;
  cuio_ring_put(&head, 1, 7, true);
  CHECK(cuio_ring_take(&head, &entry) && entry.total == 7);
  CHECK(cuio_ring_take(&last, &entry) && entry.total == 7);
}

TEST(ring_wakes_a_sleeping_reader_once) {
  cuio_ring_entry entries[4];
  int fd = cuio_event_create();
  cuio_ring ring = make(entries, 4, fd);
  cuio_ring_put(&ring, 1, 1, true);
  CHECK_EQ(cuio_event_drain(fd), -EAGAIN);
  CHECK(cuio_ring_sleep(&ring));
  cuio_ring_put(&ring, 1, 2, true);
  CHECK_EQ(cuio_event_drain(fd), 0);
  cuio_ring_put(&ring, 1, 3, true);
  CHECK_EQ(cuio_event_drain(fd), -EAGAIN);
  close(fd);
}

static void *write_many(void *context) {
  for (uint64_t i = 1; i <= 20000; i++) cuio_ring_put(context, 1, i, true);
  return NULL;
}

TEST(ring_loses_nothing_but_what_it_counts) {
  cuio_ring_entry entries[16], entry;
  cuio_ring ring = make(entries, 16, -1);
  pthread_t writer;
  CHECK_EQ(pthread_create(&writer, NULL, write_many, &ring), 0);
  uint64_t taken = 0, last = 0;
  bool is_ordered = true;
  // The last events may be dropped: the sum is looked at once the writer has ended.
  while (taken + cuio_ring_dropped(&ring) < 20000) {
    if (!cuio_ring_take(&ring, &entry)) continue;
    is_ordered &= entry.total > last;
    last = entry.total;
    taken++;
  }
  pthread_join(writer, NULL);
  CHECK(is_ordered);
  CHECK_EQ(taken + cuio_ring_dropped(&ring), 20000);
}
