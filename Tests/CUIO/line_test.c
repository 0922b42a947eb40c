// Reading counts: totals modulo 2^32, eventfd sums, and data that is not a count.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <limits.h>
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
  s.line = (cuio_line){.fd = ends[0], .config_fd = -1, .format = CUIO_COUNT_TOTAL32, .total = total};
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
  cuio_line line = {.fd = memory, .config_fd = -1, .total = 5};
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EIO);
  close(memory);
  CHECK_EQUAL(cuio_line_read(&line, &delta), -EBADF);
  CHECK_EQUAL(line.total, 5);
  CHECK_EQUAL(delta, 99);
}

TEST(eventfd_gives_what_was_added_since_the_last_read) {
  int fd = linux_event_create();
  cuio_line line = {.fd = fd, .config_fd = -1, .format = CUIO_COUNT_EVENTFD, .total = 5};
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

TEST(eventfd_read_of_another_length_is_refused) {
  int fd = linux_event_create();
  cuio_line line = {.fd = fd, .config_fd = -1, .format = CUIO_COUNT_TOTAL32};
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
