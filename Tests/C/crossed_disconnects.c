// Report handlers that end each other's connections, as those of a card with several functions do.
#include "check.h"

#define FUNCTIONS 3

struct function {
  struct card *card;
  interruptsync_object *object;
  int writer, index;
};
struct card {
  struct function functions[FUNCTIONS];
  struct event arrived, start, done;
};

static int32_t serve(interruptsync_object *object, void *context) {
  (void)object, (void)context;
  return 0;
}

static void disconnect_the_next(interruptsync_object *object, const interruptsync_report *report, void *context) {
  (void)object;
  struct function *function = (struct function *)context;
  struct card *card = function->card;
  CHECK_EQUAL(report->kind, INTERRUPTSYNC_REPORT_REMOVED);
  event_post(&card->arrived);
  CHECK(event_wait(&card->start));
  interruptsync_object *next = card->functions[(function->index + 1) % FUNCTIONS].object;
  CHECK_EQUAL(interruptsync_object_disconnect(next), 0);
  CHECK_EQUAL(interruptsync_object_get_state(next), INTERRUPTSYNC_DISCONNECTED);
  event_post(&card->done);
}

static void plug(struct card *card, int index, bool grouped) {
  struct function *function = &card->functions[index];
  int ends[2];
  CHECK_EQUAL(pipe(ends), 0);
  interruptsync_line *line = NULL;
  CHECK_EQUAL(interruptsync_line_descriptor(ends[0], INTERRUPTSYNC_TOTALS, 0, "function", &line), 0);
  close(ends[0]);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.report = disconnect_the_next;
  options.report_context = function;
  if (grouped) CHECK_EQUAL(interruptsync_group_create("function", NULL, NULL, NULL, &options.group), 0);
  *function = (struct function){card, NULL, ends[1], index};
  CHECK_EQUAL(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, &options, &function->object), 0);
  CHECK_EQUAL(interruptsync_object_register(function->object, serve, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(function->object), 0);
  interruptsync_release(line);
  if (grouped) interruptsync_release(options.group);
}

static void unplug(bool grouped) {
  struct card card;
  event_init(&card.arrived);
  event_init(&card.start);
  event_init(&card.done);
  for (int i = 0; i < FUNCTIONS; i++) plug(&card, i, grouped);
  for (int i = 0; i < FUNCTIONS; i++) close(card.functions[i].writer);
  for (int i = 0; i < FUNCTIONS; i++) CHECK(event_wait(&card.arrived));
  for (int i = 0; i < FUNCTIONS; i++) event_post(&card.start);
  bool came_back = true;
  for (int i = 0; i < FUNCTIONS; i++) came_back &= event_wait(&card.done);
  CHECK(came_back);
  if (!came_back) {
    printf("  DEADLOCK of report handlers that disconnect each other's objects\n");
    exit(1);
  }
  for (int i = 0; i < FUNCTIONS; i++) interruptsync_release(card.functions[i].object);
}

TEST(N11_report_handlers_disconnect_each_others_objects) {
  for (int round = 0; round < 50; round++) unplug(round % 2 == 1);
}
