// The brake and the repeat limit (N20), and the other options.
#include "check.h"

struct watched {
  struct event reported[15];
  uint64_t counts[15];
  interruptsync_line *line;
  int32_t result;
};

static void on_report(interruptsync_object *object, const interruptsync_report *report, void *context) {
  struct watched *it = (struct watched *)context;
  CHECK_EQUAL(report->size, sizeof *report);
  CHECK(strlen(report->text) > 0);
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_PASSIVE);
  CHECK(interruptsync_object_get_state(object) >= 0);
  if (report->kind > 14) return;
  it->counts[report->kind] = report->count;
  event_post(&it->reported[report->kind]);
}

static int32_t again(interruptsync_object *object, void *context) {
  (void)object;
  struct watched *it = (struct watched *)context;
  if (it->result < 0) interruptsync_line_trigger(it->line, 1);
  return it->result;
}

static struct fixture watch(struct watched *it, uint32_t mode, interruptsync_object_options *options) {
  for (int i = 0; i < 15; i++) event_init(&it->reported[i]);
  options->report = on_report;
  options->report_context = it;
  struct fixture fixture = make_fixture(mode, options);
  it->line = fixture.line;
  CHECK_EQUAL(interruptsync_object_register(fixture.object, again, it, 0, NULL), 0);
  return fixture;
}

// Masked at the limit, and re-armed on request.
TEST(N20_storm) {
  static struct watched it;
  it.result = INTERRUPTSYNC_NOT_MINE;
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.name = "stormy";
  options.storm_limit = 10;
  options.storm_stays_masked = true;
  struct fixture fixture = watch(&it, INTERRUPTSYNC_MODE_NORMAL, &options);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
  CHECK(event_wait(&it.reported[INTERRUPTSYNC_REPORT_STORM_BEGAN]));
  CHECK_EQUAL(it.counts[INTERRUPTSYNC_REPORT_STORM_BEGAN], 10);
  CHECK_EQUAL(interruptsync_object_get_state(fixture.object), INTERRUPTSYNC_STORMING);
  it.result = INTERRUPTSYNC_CLAIMED;
  CHECK_EQUAL(interruptsync_object_resume(fixture.object), 0);
  CHECK(event_wait(&it.reported[INTERRUPTSYNC_REPORT_STORM_ENDED]));
  end_fixture(&fixture);
}

TEST(N20_repeat_limit) {
  static struct watched it;
  it.result = INTERRUPTSYNC_CLAIMED;
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.repeat_limit = 4;
  options.storm_limit = INTERRUPTSYNC_NEVER;
  struct fixture fixture = watch(&it, INTERRUPTSYNC_MODE_REPEAT, &options);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
  CHECK(event_wait(&it.reported[INTERRUPTSYNC_REPORT_REPEAT_LIMIT]));
  CHECK_EQUAL(it.counts[INTERRUPTSYNC_REPORT_REPEAT_LIMIT], 4);
  end_fixture(&fixture);
}

// N5, N9, and a processor that no machine has.
TEST(N5_N9_options) {
  static struct watched it;
  it.result = 0x102;
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  attributes.processors[15] = UINT64_C(1) << 63;
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.accepts_any_success = true;
  options.connects_without_routines = true;
  options.repeat_limit = INTERRUPTSYNC_UNLIMITED;
  options.storm_first_pause = 1;
  options.storm_longest_pause = 5;
  options.dispatcher = &attributes;
  struct fixture empty = make_fixture(INTERRUPTSYNC_MODE_NORMAL, &options);
  CHECK_EQUAL(interruptsync_object_connect(empty.object), 0);
  end_fixture(&empty);
  struct fixture fixture = watch(&it, INTERRUPTSYNC_MODE_NORMAL, &options);
  CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  CHECK(event_wait(&it.reported[INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED]));
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  do CHECK_EQUAL(interruptsync_object_get_statistics(fixture.object, &now), 0);
  while (now.claimed + now.unclaimed == 0);
  CHECK_EQUAL(now.claimed, 1);
  end_fixture(&fixture);
}
