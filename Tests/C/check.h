// The C tests' own frame. Every file compiles as C17, C++17 and C++20.
#ifndef CHECK_H
#define CHECK_H

#include <interruptsync.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct test {
  const char *name;
  void (*body)(void);
};

// Each file's tests, ended by a nameless one.
extern const struct test handle_tests[], device_tests[], line_tests[], object_tests[], call_tests[], deferred_tests[],
    storm_tests[], group_tests[];

// Notes a failure; the test goes on.
void note_failure(const char *file, int line, const char *what, long long actual, long long expected);

#define CHECK_EQUAL(actual, expected)                                                                                  \
  do {                                                                                                                 \
    long long actual_ = (long long)(actual), expected_ = (long long)(expected);                                        \
    if (actual_ != expected_) note_failure(__FILE__, __LINE__, #actual, actual_, expected_);                           \
  } while (0)
#define CHECK(condition) CHECK_EQUAL(!!(condition), 1)
// The call fails with this errno and says a sentence with `words` in it.
#define CHECK_FAILS(call, number, words)                                                                               \
  do {                                                                                                                 \
    CHECK_EQUAL(call, -(number));                                                                                      \
    if (strstr(interruptsync_last_error(), words) == NULL) {                                                           \
      fprintf(stderr, "said: %s\n", interruptsync_last_error());                                                       \
      note_failure(__FILE__, __LINE__, "interruptsync_last_error() lacks " words, 0, 1);                               \
    }                                                                                                                  \
  } while (0)

// An event that routines post and tests wait for, for 20 s at most.
struct event {
  sem_t semaphore;
};
void event_init(struct event *event);
void event_post(struct event *event);
bool event_wait(struct event *event);
bool event_is_posted(struct event *event);

// What most tests need: a software line and an object over it.
struct fixture {
  interruptsync_line *line;
  interruptsync_object *object;
};
struct fixture make_fixture(uint32_t mode, const interruptsync_object_options *options);
void end_fixture(struct fixture *fixture);

#endif
