// A GPIO line from C: finds the line that the board names, has a routine take every edge, says each, and ends after a
// hundred with 0 if all of them came in order. gpio CHIP LINE
#include <interruptsync.h>

#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { COUNT = 100, ROOM = 8 };

static interruptsync_line *line;
static sem_t served;
// What the routine knows; under the interrupt lock.
static struct {
  uint32_t edges, looks, wrong;
  interruptsync_gpio_edge last;
} seen;

static void check(bool holds, const char *what, int number) {
  if (holds) return;
  printf("line %d: not so: %s (%s)\n", number, what, interruptsync_last_error());
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static int32_t service(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  interruptsync_gpio_edge edges[ROOM];
  int count = interruptsync_gpio_edges(line, edges, ROOM);
  if (count == 0) seen.looks++;
  for (int i = 0; i < count && i < ROOM; i++) {
    seen.edges++;
    bool follows = edges[i].number == seen.last.number + 1 && edges[i].nanoseconds > seen.last.nanoseconds;
    if (seen.edges > 1 && !follows) seen.wrong++;
    if (edges[i].rising != seen.edges % 2) seen.wrong++;
    seen.last = edges[i];
    sem_post(&served);
  }
  return 0;
}

int main(int count, char **arguments) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  if (count != 3) return puts("gpio CHIP LINE") < 0 ? 1 : 2;
  uint32_t offset = 0;
  interruptsync_object *object = NULL;
  interruptsync_line *second = NULL;
  interruptsync_gpio_options options = INTERRUPTSYNC_STRUCT(interruptsync_gpio_options);
  strcpy(options.consumer, "gpio program");
  sem_init(&served, 0, 0);
  CHECK(interruptsync_gpio_find(arguments[1], arguments[2], &offset) == 0);
  CHECK(interruptsync_gpio_line(arguments[1], offset, &options, &line) == 0);
  CHECK(interruptsync_gpio_line(arguments[1], offset, &options, &second) == -EBUSY);
  CHECK(strstr(interruptsync_last_error(), "\"gpio program\" has the line") != NULL);
  CHECK(interruptsync_gpio_value(line) == 0);
  CHECK(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object) == 0);
  CHECK(interruptsync_object_register(object, service, NULL, 0, NULL) == 0);
  CHECK(interruptsync_object_connect(object) == 0);
  puts("connected");
  for (int edge = 1; edge <= COUNT; edge++) {
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    end.tv_sec += 60;
    CHECK(sem_timedwait(&served, &end) == 0);
    CHECK(interruptsync_gpio_value(line) == edge % 2);
    printf("edge %d\n", edge);
  }
  CHECK(interruptsync_object_disconnect(object) == 0);
  interruptsync_gpio_info info = INTERRUPTSYNC_STRUCT(interruptsync_gpio_info);
  CHECK(interruptsync_gpio_get_info(line, &info) == 0);
  CHECK(info.dropped == 0 && info.offset == offset && strcmp(info.label, arguments[1]) == 0);
  CHECK(interruptsync_gpio_edges(line, NULL, 0) == 0);
  CHECK(seen.wrong == 0 && seen.looks == 1);
  printf("%u of %d edges in order\n", seen.edges, COUNT);
  interruptsync_release(object);
  interruptsync_release(line);
  return 0;
}
