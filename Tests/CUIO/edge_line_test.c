// Reading edges: counts by the kernel's numbers, what was dropped, the kick, and who may look at them.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"

#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

typedef struct {
  int writer;
  cuio_edge edges[4];
  cuio_edge_line line;
} source;

// In place, as the line points to its own memory.
static void make(source *s, uint32_t total) {
  int ends[2] = {-1, -1};
  CHECK_EQUAL(pipe2(ends, O_NONBLOCK | O_CLOEXEC), 0);
  memset(s, 0, sizeof *s);
  s->writer = ends[1];
  s->line = (cuio_edge_line){.line = {.fd = ends[0], .rearm_fd = -1, .format = CUIO_COUNT_EDGES, .total = total},
                             .edges = s->edges,
                             .capacity = 4};
}

static void give(const source *s, uint32_t number, uint32_t id, uint64_t time) {
  cuio_edge edge = {.timestamp = time, .id = id, .offset = 3, .seqno = number, .line_seqno = number};
  CHECK_EQUAL(write(s->writer, &edge, sizeof edge), sizeof edge);
}

static int read_line(source *s, uint64_t *delta) { return cuio_line_read(&s->line.line, delta); }

static void finish(source *s) {
  close(s->line.line.fd);
  if (s->writer >= 0) close(s->writer);
}

TEST(G14_the_count_is_how_far_the_numbers_have_come) {
  static const struct { uint32_t before, first, edges; uint64_t delta, dropped; } rows[] = {
      {0, 1, 1, 1, 0},
      {0, 1, 4, 4, 0},
      {7, 11, 2, 5, 3},
      {0xffffffff, 0, 2, 2, 0},
      {0xfffffffe, 2, 1, 4, 3},
  };
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    source s;
    uint64_t delta = 99;
    make(&s, rows[i].before);
    for (uint32_t n = 0; n < rows[i].edges; n++) give(&s, rows[i].first + n, CUIO_EDGE_RISING, 100 + n);
    CHECK_EQUAL(read_line(&s, &delta), 0);
    CHECK_EQUAL(delta, rows[i].delta);
    CHECK_EQUAL(s.line.dropped, rows[i].dropped);
    CHECK_EQUAL(s.line.count, rows[i].edges);
    CHECK_EQUAL(cuio_line_total(&s.line.line), (uint32_t)(rows[i].first + rows[i].edges - 1));
    CHECK_EQUAL(read_line(&s, &delta), -EAGAIN);
    finish(&s);
  }
}

TEST(a_read_takes_as_many_edges_as_there_is_room_for) {
  source s;
  uint64_t delta = 99;
  make(&s, 0);
  for (uint32_t n = 1; n <= 6; n++) give(&s, n, CUIO_EDGE_FALLING, n);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(delta, 4);
  CHECK_EQUAL(s.edges[0].line_seqno, 1);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(delta, 2);
  CHECK_EQUAL(s.edges[1].line_seqno, 6);
  CHECK_EQUAL(s.line.dropped, 0);
  finish(&s);
}

TEST(a_kick_finds_a_count_of_0_once_and_hides_no_edge) {
  source s;
  uint64_t delta = 99;
  make(&s, 0);
  CHECK_EQUAL(cuio_line_kick(&s.line.line), 0);
  CHECK_EQUAL(cuio_line_kick(&s.line.line), 0);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(delta, 0);
  CHECK_EQUAL(s.line.count, 0);
  CHECK_EQUAL(s.line.facts[0], 0);
  CHECK_EQUAL(read_line(&s, &delta), -EAGAIN);
  CHECK_EQUAL(cuio_line_kick(&s.line.line), 0);
  give(&s, 1, CUIO_EDGE_RISING, 5);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(delta, 1);
  CHECK_EQUAL(read_line(&s, &delta), -EAGAIN);
  finish(&s);
}

TEST(facts_are_those_of_the_last_edge) {
  source s;
  uint64_t delta;
  make(&s, 0);
  give(&s, 1, CUIO_EDGE_RISING, 5);
  give(&s, 2, CUIO_EDGE_FALLING, 8);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  const uint64_t *facts = cuio_edge_line_facts(&s.line);
  CHECK_EQUAL(facts[0], CUIO_EDGE_MARK);
  CHECK_EQUAL(facts[1], 8);
  CHECK_EQUAL(facts[2], (uint64_t)CUIO_EDGE_FALLING << 32 | 3);
  CHECK_EQUAL(facts[3], 2ull << 32 | 2);
  finish(&s);
}

TEST(G2_what_is_no_record_is_no_edge) {
  source s;
  uint64_t delta = 99;
  make(&s, 0);
  char bytes[sizeof(cuio_edge) + 1] = {0};
  CHECK_EQUAL(write(s.writer, bytes, sizeof bytes), sizeof bytes);
  CHECK_EQUAL(read_line(&s, &delta), -EBADMSG);
  CHECK_EQUAL(write(s.writer, bytes, 3), 3);
  CHECK_EQUAL(read_line(&s, &delta), -EBADMSG);
  close(s.writer);
  s.writer = -1;
  CHECK_EQUAL(read_line(&s, &delta), -EPIPE);
  CHECK_EQUAL(delta, 99);
  CHECK_EQUAL(cuio_line_total(&s.line.line), 0);
  finish(&s);
}

static void *available(void *line) {
  cuio_thread_set_level(3);
  return (void *)(uintptr_t)cuio_edge_line_available(line);
}

TEST(edges_are_for_the_thread_that_read_them_inside_a_routine) {
  source s;
  uint64_t delta;
  void *elsewhere = &s;
  pthread_t thread;
  make(&s, 0);
  give(&s, 1, CUIO_EDGE_RISING, 5);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(cuio_edge_line_available(&s.line), 0);
  int32_t level = cuio_thread_set_level(3);
  CHECK_EQUAL(cuio_edge_line_available(&s.line), 1);
  CHECK_EQUAL(pthread_create(&thread, NULL, available, &s.line), 0);
  CHECK_EQUAL(pthread_join(thread, &elsewhere), 0);
  CHECK(elsewhere == NULL);
  cuio_edge_line_forget(&s.line);
  CHECK_EQUAL(cuio_edge_line_available(&s.line), 0);
  cuio_thread_set_level(level);
  finish(&s);
}

TEST(edges_that_are_skipped_count_for_nothing) {
  source s;
  uint64_t delta = 99;
  make(&s, 0);
  for (uint32_t n = 3; n <= 8; n++) give(&s, n, CUIO_EDGE_RISING, n);
  CHECK_EQUAL(cuio_edge_line_skip(&s.line), 0);
  CHECK_EQUAL(cuio_line_total(&s.line.line), 8);
  CHECK_EQUAL(s.line.dropped, 0);
  give(&s, 9, CUIO_EDGE_RISING, 9);
  CHECK_EQUAL(read_line(&s, &delta), 0);
  CHECK_EQUAL(delta, 1);
  close(s.writer);
  s.writer = -1;
  CHECK_EQUAL(cuio_edge_line_skip(&s.line), -EPIPE);
  finish(&s);
}
