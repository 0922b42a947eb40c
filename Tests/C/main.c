// Runs every test, or those with one of the arguments in their name.
#include "check.h"

#include <errno.h>
#include <time.h>

static int failures;

void note_failure(const char *file, int line, const char *what, long long actual, long long expected) {
  const char *name = strrchr(file, '/');
  fprintf(stderr, "%s:%d: %s is %lld, expected %lld\n", name == NULL ? file : name + 1, line, what, actual, expected);
  __atomic_add_fetch(&failures, 1, __ATOMIC_RELAXED);
}

void event_init(struct event *event) { sem_init(&event->semaphore, 0, 0); }
void event_post(struct event *event) { sem_post(&event->semaphore); }
bool event_is_posted(struct event *event) { return sem_trywait(&event->semaphore) == 0; }

bool event_wait(struct event *event) {
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 20;
  int result;
  do result = sem_timedwait(&event->semaphore, &deadline);
  while (result != 0 && errno == EINTR);
  return result == 0;
}

struct fixture make_fixture(uint32_t mode, const interruptsync_object_options *options) {
  struct fixture fixture = {NULL, NULL};
  CHECK_EQUAL(interruptsync_line_software("test", &fixture.line), 0);
  CHECK_EQUAL(interruptsync_object_create(fixture.line, mode, options, &fixture.object), 0);
  return fixture;
}

void end_fixture(struct fixture *fixture) {
  CHECK_EQUAL(interruptsync_object_disconnect(fixture->object), 0);
  CHECK_EQUAL(interruptsync_release(fixture->object), 0);
  CHECK_EQUAL(interruptsync_release(fixture->line), 0);
}

int main(int count, char **arguments) {
  const struct test *files[] = {handle_tests, device_tests,   line_tests, object_tests,
                                call_tests,   deferred_tests, storm_tests, group_tests};
  int passed = 0, failed = 0;
  for (size_t file = 0; file < sizeof files / sizeof *files; file++) {
    for (const struct test *test = files[file]; test->name != NULL; test++) {
      bool wanted = count == 1;
      for (int i = 1; i < count; i++) wanted = wanted || strstr(test->name, arguments[i]) != NULL;
      if (!wanted) continue;
      int before = __atomic_load_n(&failures, __ATOMIC_RELAXED);
      test->body();
      bool good = __atomic_load_n(&failures, __ATOMIC_RELAXED) == before;
      if (!good) printf("FAIL %s\n", test->name);
      good ? passed++ : failed++;
      fflush(stdout);
    }
  }
  printf("%d passed, %d failed\n", passed, failed);
  return failed == 0 && passed > 0 ? 0 : 1;
}
