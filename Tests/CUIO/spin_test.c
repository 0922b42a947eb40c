// Spinning: it finds an interrupt, ends after its time, ends on request, and measures the cost of a wake-up.
#include "check.h"

#include "CUIO.h"

#include <pthread.h>
#include <unistd.h>

static cuio_line event_line(int fd) {
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_EVENTFD, .rearm = CUIO_REARM_NONE};
  return line;
}

TEST(a_spin_takes_what_is_there) {
  int fd = linux_event_create();
  cuio_line line = event_line(fd);
  uint64_t delta = 0;
  uint32_t stop = 0;
  CHECK_EQUAL(linux_event_signal(fd, 3), 0);
  CHECK_EQUAL(cuio_line_spin(&line, &delta, UINT64_MAX, 0, &stop), 0);
  CHECK_EQUAL(delta, 3);
  close(fd);
}

TEST(a_spin_ends_with_its_budget) {
  int fd = linux_event_create();
  cuio_line line = event_line(fd);
  uint64_t delta = 7, budget = linux_nanoseconds_to_ticks(200000);
  uint32_t stop = 0;
  uint64_t start = linux_ticks();
  CHECK_EQUAL(cuio_line_spin(&line, &delta, budget, budget / 10, &stop), -EAGAIN);
  CHECK(linux_ticks() - start >= budget);
  CHECK_EQUAL(cuio_line_spin(&line, &delta, 0, 0, &stop), -EAGAIN);
  CHECK_EQUAL(delta, 7);
  close(fd);
}

TEST(a_spin_ends_when_told_to_and_leaves_the_count) {
  int fd = linux_event_create();
  cuio_line line = event_line(fd);
  uint64_t delta = 0;
  uint32_t stop = 1;
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(cuio_line_spin(&line, &delta, UINT64_MAX, 0, &stop), -EINTR);
  CHECK_EQUAL(linux_event_drain(fd), 0);
  close(fd);
}

TEST(a_spin_says_what_a_read_says) {
  cuio_line line = event_line(-1);
  uint64_t delta;
  uint32_t stop = 0;
  CHECK_EQUAL(cuio_line_spin(&line, &delta, UINT64_MAX, 0, &stop), -EBADF);
}

static void *later(void *fd) {
  usleep(20000);
  linux_event_signal(*(int *)fd, 1);
  return NULL;
}

TEST(a_spin_meets_what_comes_meanwhile) {
  int fd = linux_event_create();
  cuio_line line = event_line(fd);
  uint64_t delta = 0;
  uint32_t stop = 0;
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, later, &fd), 0);
  CHECK_EQUAL(cuio_line_spin(&line, &delta, UINT64_MAX, linux_nanoseconds_to_ticks(50000), &stop), 0);
  CHECK_EQUAL(delta, 1);
  pthread_join(thread, NULL);
  close(fd);
}

TEST(a_wake_up_costs_something) {
  CHECK(cuio_wake_cost(1) > 0);
  CHECK(cuio_wake_cost(15) > 0);
  // Out of range: as many as there is room for.
  CHECK(cuio_wake_cost(0) > 0 && cuio_wake_cost(1000) > 0);
}
