// Waiting: each bit of the answer, dead descriptors, interruption.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

TEST(wait_tells_readable_and_woken_apart) {
  int ends[2], wake = linux_event_create();
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
  CHECK_EQUAL(cuio_wait(ends[0], wake, 0, false), CUIO_WAIT_TIMEOUT);
  CHECK_EQUAL(write(ends[1], "abcd", 4), 4);
  CHECK_EQUAL(cuio_wait(ends[0], wake, -1, false), CUIO_WAIT_READABLE);
  CHECK_EQUAL(linux_event_signal(wake, 1), 0);
  CHECK_EQUAL(cuio_wait(ends[0], wake, -1, false), CUIO_WAIT_READABLE | CUIO_WAIT_WOKEN);
  CHECK_EQUAL(cuio_wait(ends[0], wake, -1, true), CUIO_WAIT_WOKEN);
  CHECK_EQUAL(linux_event_drain(wake), 0);
  CHECK_EQUAL(cuio_wait(ends[0], wake, 0, true), CUIO_WAIT_TIMEOUT);
  CHECK_EQUAL(cuio_wait(ends[0], -1, -1, false), CUIO_WAIT_READABLE);
  CHECK_EQUAL(cuio_wait(-1, wake, 0, false), CUIO_WAIT_TIMEOUT);
  close(ends[0]);
  close(ends[1]);
  close(wake);
}

TEST(fact21_a_dead_descriptor_shows_with_and_without_readable) {
  int ends[2];
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
  CHECK_EQUAL(write(ends[1], "abcd", 4), 4);
  close(ends[1]);
  CHECK_EQUAL(cuio_wait(ends[0], -1, -1, false), CUIO_WAIT_DEAD | CUIO_WAIT_READABLE);
  CHECK_EQUAL(cuio_wait(ends[0], -1, -1, true), CUIO_WAIT_DEAD);
  char bytes[4];
  CHECK_EQUAL(read(ends[0], bytes, 4), 4);
  CHECK_EQUAL(cuio_wait(ends[0], -1, -1, false), CUIO_WAIT_DEAD);
  close(ends[0]);

  // POLLERR: a pipe without a reader.
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK), 0);
  close(ends[0]);
  CHECK_EQUAL(cuio_wait(ends[1], -1, -1, true), CUIO_WAIT_DEAD);
  close(ends[1]);
}

TEST(a_closed_descriptor_is_dead) {
  int fd = linux_event_create();
  close(fd);
  CHECK_EQUAL(cuio_wait(fd, -1, -1, false), CUIO_WAIT_DEAD);
  CHECK_EQUAL(cuio_wait(fd, -1, -1, true), CUIO_WAIT_DEAD);
}

TEST(a_dead_wake_descriptor_ends_the_wait) {
  int fd = linux_event_create();
  close(fd);
  CHECK_EQUAL(cuio_wait(-1, fd, -1, false), CUIO_WAIT_WOKEN);
}

TEST(wait_ends_after_its_time) {
  int fd = linux_event_create();
  uint64_t start = linux_nanoseconds();
  CHECK_EQUAL(cuio_wait(fd, -1, 3, false), CUIO_WAIT_TIMEOUT);
  CHECK(linux_nanoseconds() - start >= 2900000);
  close(fd);
}

static void ignore(int number) { (void)number; }

TEST(fact11_a_signal_ends_the_wait_with_eintr) {
  int fd = linux_event_create();
  struct sigaction action = {.sa_handler = ignore, .sa_flags = SA_RESTART}, before;
  CHECK_EQUAL(sigaction(SIGALRM, &action, &before), 0);
  // Again and again: the first may come before the wait has begun.
  struct itimerval often = {.it_interval = {.tv_usec = 2000}, .it_value = {.tv_usec = 2000}}, never = {0};
  CHECK_EQUAL(setitimer(ITIMER_REAL, &often, NULL), 0);
  CHECK_EQUAL(cuio_wait(fd, -1, 10000, false), -EINTR);
  CHECK_EQUAL(setitimer(ITIMER_REAL, &never, NULL), 0);
  CHECK_EQUAL(sigaction(SIGALRM, &before, NULL), 0);
  close(fd);
}
