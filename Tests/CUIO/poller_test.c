// Waiting for many descriptors: edges, ends, changes of interest, and more events than one wait returns.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <unistd.h>

TEST(a_poller_tells_once_of_what_is_new) {
  linux_ready ready[LINUX_POLLER_BATCH];
  int poller = linux_poller_create(), fd = linux_event_create();
  // Data that is there already is new.
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(linux_poller_add(poller, fd, &fd), 0);
  CHECK_EQUAL(linux_poller_wait(poller, ready, 0), 1);
  CHECK(ready[0].context == &fd && !ready[0].is_dead);
  // Still unread, and reported; then more comes.
  CHECK_EQUAL(linux_poller_wait(poller, ready, 0), 0);
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(linux_poller_wait(poller, ready, -1), 1);
  CHECK_EQUAL(linux_poller_remove(poller, fd), 0);
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(linux_poller_wait(poller, ready, 0), 0);
  CHECK_EQUAL(linux_poller_remove(poller, fd), -ENOENT);
  close(fd);
  close(poller);
}

TEST(a_poller_that_listens_for_the_end_only_says_no_counts) {
  linux_ready ready[LINUX_POLLER_BATCH];
  int poller = linux_poller_create(), ends[2];
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
  CHECK_EQUAL(linux_poller_add(poller, ends[0], ends), 0);
  CHECK_EQUAL(linux_poller_listen(poller, ends[0], ends, false), 0);
  CHECK_EQUAL(write(ends[1], "abcd", 4), 4);
  CHECK_EQUAL(linux_poller_wait(poller, ready, 0), 0);
  // Data that came meanwhile is new once counts are of interest.
  CHECK_EQUAL(linux_poller_listen(poller, ends[0], ends, true), 0);
  CHECK_EQUAL(linux_poller_wait(poller, ready, 0), 1);
  CHECK(!ready[0].is_dead);
  CHECK_EQUAL(linux_poller_listen(poller, ends[0], ends, false), 0);
  close(ends[1]);
  CHECK_EQUAL(linux_poller_wait(poller, ready, -1), 1);
  CHECK(ready[0].is_dead && ready[0].context == ends);
  close(ends[0]);
  close(poller);
}

TEST(a_poller_tells_of_many_in_batches) {
  enum { COUNT = 100 };
  linux_ready ready[LINUX_POLLER_BATCH];
  int poller = linux_poller_create(), fds[COUNT], told[COUNT] = {0};
  for (int i = 0; i < COUNT; i++) {
    fds[i] = linux_event_create();
    CHECK_EQUAL(linux_poller_add(poller, fds[i], &told[i]), 0);
    CHECK_EQUAL(linux_event_signal(fds[i], 1), 0);
  }
  int count, batches = 0;
  while ((count = linux_poller_wait(poller, ready, 0)) > 0) {
    CHECK(count <= LINUX_POLLER_BATCH);
    for (int i = 0; i < count; i++) ++*(int *)ready[i].context;
    batches++;
  }
  CHECK_EQUAL(batches, 2);
  for (int i = 0; i < COUNT; i++) {
    CHECK_EQUAL(told[i], 1);
    close(fds[i]);
  }
  close(poller);
}

TEST(a_poller_spins_for_its_budget) {
  linux_ready ready[LINUX_POLLER_BATCH];
  int poller = linux_poller_create(), fd = linux_event_create();
  CHECK_EQUAL(linux_poller_add(poller, fd, NULL), 0);
  uint64_t budget = linux_nanoseconds_to_ticks(200000), start = linux_ticks();
  CHECK_EQUAL(linux_poller_spin(poller, ready, budget, budget / 10), 0);
  CHECK(linux_ticks() - start >= budget);
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(linux_poller_spin(poller, ready, UINT64_MAX, 0), 1);
  close(fd);
  close(poller);
}

TEST(what_cannot_be_waited_for_is_refused) {
  int poller = linux_poller_create(), file = open("/proc/self/status", O_RDONLY);
  CHECK_EQUAL(linux_poller_add(poller, file, NULL), -EPERM);
  CHECK_EQUAL(linux_poller_add(poller, -1, NULL), -EBADF);
  close(file);
  close(poller);
}
