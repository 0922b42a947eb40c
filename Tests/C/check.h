// Shared by the C tests, beside the reporter: errors with their sentence, events, a line with an object. Every file
// compiles as C17, C++17 and C++20.
#ifndef CHECK_H
#define CHECK_H

#include "../CSupport/check.h"

#include <interruptsync.h>

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

// The call fails with this errno and says a sentence with `words` in it.
#define CHECK_FAILS(call, number, words)                                                \
  do {                                                                                  \
    CHECK_EQUAL(call, -(number));                                                       \
    if (strstr(interruptsync_last_error(), words) == NULL) {                            \
      check_that(false, __FILE__, __LINE__, "interruptsync_last_error() lacks " words); \
      printf("  said: %s\n", interruptsync_last_error());                               \
    }                                                                                   \
  } while (0)

// As CHECK_FAILS, with words that are found at run time.
#define CHECK_REFUSED(call, number, words)                    \
  do {                                                        \
    CHECK_EQUAL(call, -(number));                             \
    CHECK(strstr(interruptsync_last_error(), words) != NULL); \
  } while (0)

// An event that routines post and tests wait for, for 20 s at most.
struct event {
  sem_t semaphore;
};
void event_init(struct event *event);
void event_post(struct event *event);
bool event_wait(struct event *event);
bool event_is_posted(struct event *event);

// For most tests: a software line and an object over it.
struct fixture {
  interruptsync_line *line;
  interruptsync_object *object;
};
struct fixture make_fixture(uint32_t mode, const interruptsync_object_options *options);
void end_fixture(struct fixture *fixture);

#endif
