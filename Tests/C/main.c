// main() of the C suite, and the events and fixtures that its tests share.
#define CHECK_MAIN
#include "check.h"

#include <errno.h>
#include <time.h>

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

int main(int count, char **arguments) { return check_main(count, arguments, NULL, NULL); }
