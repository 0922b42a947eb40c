// Reading counts: totals modulo 2^32, eventfd sums, and data that is not a count.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
  int reader, writer;
  cuio_line line;
} source;

static source piped(uint32_t total) {
  int ends[2] = {-1, -1};
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  source s = {.reader = ends[0], .writer = ends[1]};
  s.line = (cuio_line){.fd = ends[0], .rearm_fd = -1, .format = CUIO_COUNT_TOTAL32, .total = total};
  return s;
}

static void give(const source *s, int32_t total) { CHECK_EQUAL(write(s->writer, &total, sizeof total), sizeof total); }

static void finish(source *s) {
  close(s->reader);
  if (s->writer >= 0) close(s->writer);
}

TEST(fact8_total_wraps_through_int_max_and_through_minus_one) {
  static const struct { uint32_t before; int32_t read; uint64_t delta; } rows[] = {
      {0, 1, 1},
      {41, 44, 3},
      {0x7fffffff, INT_MIN, 1},
      {0x7ffffffe, INT_MIN + 1, 3},
      {0xffffffff, 0, 1},
      {0xfffffffe, 3, 5},
      {0x80000000, -1, 0x7fffffff},
      {7, 7, 0},
      {1, 0, 0xffffffff},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    source s = piped(rows[i].before);
    uint64_t delta = 99;
    give(&s, rows[i].read);
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), 0);
    CHECK_EQUAL(delta, rows[i].delta);
    CHECK_EQUAL(s.line.total, (uint32_t)rows[i].read);
    finish(&s);
  }
}

TEST(fact11_nothing_to_read_is_eagain_and_changes_nothing) {
  source s = piped(5);
  uint64_t delta = 99;
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EAGAIN);
  CHECK_EQUAL(delta, 99);
  CHECK_EQUAL(s.line.total, 5);
  finish(&s);
}

TEST(fact7_a_short_count_is_not_a_count) {
  source s = piped(5);
  uint64_t delta = 99;
  CHECK_EQUAL(write(s.writer, "ab", 2), 2);
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EBADMSG);
  CHECK_EQUAL(delta, 99);
  CHECK_EQUAL(s.line.total, 5);
  finish(&s);
}

TEST(end_of_file_is_a_writer_that_has_gone) {
  source s = piped(5);
  uint64_t delta = 99;
  close(s.writer);
  s.writer = -1;
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EPIPE);
  s.line.format = CUIO_COUNT_EVENTFD;
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EPIPE);
  CHECK_EQUAL(delta, 99);
  finish(&s);
}

TEST(fact13_the_kernels_error_is_passed_on) {
  uint64_t delta = 99;
  // The first page is never mapped: reading it through this file is EIO.
  int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  cuio_line line = {.fd = memory, .rearm_fd = -1, .total = 5};
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EIO);
  close(memory);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EBADF);
  CHECK_EQUAL(line.total, 5);
  CHECK_EQUAL(delta, 99);
}

TEST(eventfd_gives_what_was_added_since_the_last_read) {
  int fd = linux_event_create();
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_EVENTFD, .total = 5};
  uint64_t delta = 99;
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EAGAIN);
  CHECK_EQUAL(linux_event_signal(fd, 3), 0);
  CHECK_EQUAL(linux_event_signal(fd, 0x100000000), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), 0);
  CHECK_EQUAL(delta, 0x100000003);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EAGAIN);
  // A sum has no running total of the device.
  CHECK_EQUAL(line.total, 5);
  close(fd);
}

TEST(V18_a_kick_is_found_once_and_counts_nothing) {
  int fd = linux_event_create();
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_EVENTFD};
  uint64_t delta = 99;
  CHECK_EQUAL(cuio_line_kick(&line), 0);
  // A second kick before the first was read is the same one.
  CHECK_EQUAL(cuio_line_kick(&line), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), 0);
  CHECK_EQUAL(delta, 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EAGAIN);
  // Interrupts that come with it are counted.
  CHECK_EQUAL(linux_event_signal(fd, 2), 0);
  CHECK_EQUAL(cuio_line_kick(&line), 0);
  CHECK_EQUAL(linux_event_signal(fd, 3), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), 0);
  CHECK_EQUAL(delta, 5);
  CHECK_EQUAL(linux_event_signal(fd, 4), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), 0);
  CHECK_EQUAL(delta, 4);
  close(fd);
}

TEST(a_kicked_line_that_ends_says_so) {
  int fd = linux_event_create(), end = linux_end_create();
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_EVENTFD};
  uint64_t delta = 99;
  CHECK_EQUAL(cuio_line_kick(&line), 0);
  CHECK_EQUAL(linux_end_replace(fd, end), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EPIPE);
  CHECK_EQUAL(cuio_wait(fd, -1, 0, true), CUIO_WAIT_DEAD);
  CHECK_EQUAL(fcntl(fd, F_GETFD), FD_CLOEXEC);
  close(fd);
  CHECK_EQUAL(linux_end_replace(fd, fd), -EINVAL);
  close(end);
  CHECK_EQUAL(linux_end_replace(fd, end), -EBADF);
}

TEST(eventfd_read_of_another_length_is_refused) {
  int fd = linux_event_create();
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_TOTAL32};
  uint64_t delta = 99;
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EINVAL);
  close(fd);

  source s = piped(0);
  s.line.format = CUIO_COUNT_EVENTFD;
  give(&s, 1);
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EBADMSG);
  CHECK_EQUAL(delta, 99);
  finish(&s);
}

// A blocking file: in each format of shared files an empty one answers at once, and a count is taken.
TEST(a_shared_file_is_read_without_waiting) {
  static const cuio_count_format formats[] = {CUIO_COUNT_SHARED_TOTAL32, CUIO_COUNT_POLLED_TOTAL32,
                                              CUIO_COUNT_STREAM_TOTAL32, CUIO_COUNT_PACKET_TOTAL32};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    int ends[2] = {-1, -1}, type = formats[i] == CUIO_COUNT_PACKET_TOTAL32 ? SOCK_SEQPACKET : SOCK_STREAM;
    if (formats[i] < CUIO_COUNT_STREAM_TOTAL32) CHECK_EQUAL(pipe2(ends, O_CLOEXEC), 0);
    else CHECK_EQUAL(socketpair(AF_UNIX, type, 0, ends), 0);
    source s = {.reader = ends[0], .writer = ends[1]};
    s.line = (cuio_line){.fd = ends[0], .rearm_fd = -1, .format = formats[i], .total = 5};
    uint64_t delta = 99;
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EAGAIN);
    give(&s, 8);
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), 0);
    CHECK_EQUAL(delta, 3);
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EAGAIN);
    close(s.writer);
    s.writer = -1;
    CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EPIPE);
    finish(&s);
  }
}

TEST(a_shared_counter_is_read_without_waiting) {
  static const cuio_count_format formats[] = {CUIO_COUNT_SHARED_EVENTFD, CUIO_COUNT_POLLED_EVENTFD};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
    int fd = linux_event_create();
    CHECK_EQUAL(fcntl(fd, F_SETFL, 0), 0);
    cuio_line line = {.fd = fd, .rearm_fd = -1, .format = formats[i]};
    uint64_t delta = 99;
    CHECK_EQUAL(cuio_line_read(&line, &delta), -EAGAIN);
    CHECK_EQUAL(linux_event_signal(fd, 3), 0);
    CHECK_EQUAL(cuio_line_read(&line, &delta), 0);
    CHECK_EQUAL(delta, 3);
    CHECK_EQUAL(cuio_line_read(&line, &delta), -EAGAIN);
    close(fd);
  }
}

// Where the kernel has no RWF_NOWAIT for a file, the line polls from then on. A file of /proc has none.
TEST(a_file_without_nowait_is_polled) {
  int fd = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  cuio_line line = {.fd = fd, .rearm_fd = -1, .format = CUIO_COUNT_SHARED_TOTAL32};
  uint64_t delta = 99;
  int result = cuio_line_read(&line, &delta);
  CHECK(result == 0 || result == -EAGAIN);
  CHECK(result != 0 || delta != 99);
  close(fd);
}

// 48 bytes, as a GPIO line event has: a packet that is no total, and an anonymous file that is no counter.
TEST(a_longer_record_is_not_a_count) {
  char event[48];
  memset(event, 0x11, sizeof event);
  int ends[2] = {-1, -1};
  CHECK_EQUAL(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, ends), 0);
  source s = {.reader = ends[0], .writer = ends[1]};
  s.line = (cuio_line){.fd = ends[0], .rearm_fd = -1, .format = CUIO_COUNT_PACKET_TOTAL32, .total = 5};
  uint64_t delta = 99;
  CHECK_EQUAL(write(s.writer, event, sizeof event), sizeof event);
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EBADMSG);
  CHECK_EQUAL(s.line.total, 5);
  s.line.format = CUIO_COUNT_SHARED_EVENTFD;
  CHECK_EQUAL(write(s.writer, event, sizeof event), sizeof event);
  CHECK_EQUAL(cuio_line_read(&s.line, &delta), -EBADMSG);
  CHECK_EQUAL(delta, 99);
  finish(&s);
}

static void *read_all(void *context) {
  cuio_line *line = context;
  uint64_t delta;
  while (cuio_line_read(line, &delta) != -EPIPE) continue;
  return NULL;
}

// Under the thread sanitizer: statistics are read while the dispatcher reads counts.
TEST(total_may_be_read_by_another_thread) {
  source s = piped(0);
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, read_all, &s.line), 0);
  for (int32_t i = 1; i <= 100; i++) {
    give(&s, i);
    CHECK(cuio_line_total(&s.line) <= 100);
  }
  CHECK_SOON(cuio_line_total(&s.line) == 100);
  close(s.writer);
  s.writer = -1;
  linux_thread_join(thread);
  finish(&s);
}
