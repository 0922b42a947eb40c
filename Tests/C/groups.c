// Groups, waiting and placement, and structs of programs that were compiled before these existed.
#include "check.h"

struct counted {
  uint64_t calls;
  pthread_t thread;
};

static int32_t count(interruptsync_object *object, void *context) {
  (void)object;
  struct counted *it = (struct counted *)context;
  it->thread = pthread_self();
  __atomic_add_fetch(&it->calls, 1, __ATOMIC_RELEASE);
  return INTERRUPTSYNC_CLAIMED;
}

static void await_interrupts(interruptsync_object *object, uint64_t wanted) {
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  do CHECK_EQUAL(interruptsync_object_get_statistics(object, &now), 0);
  while (now.interrupts < wanted || now.claimed + now.unclaimed < now.dispatches);
}

TEST(group_of_many_lines) {
  enum { LINES = 20 };
  interruptsync_group *group = NULL;
  CHECK_EQUAL(interruptsync_group_create("many", NULL, NULL, NULL, &group), 0);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.group = group;
  struct fixture them[LINES];
  struct counted counts[LINES];
  memset(counts, 0, sizeof counts);
  for (int i = 0; i < LINES; i++) {
    them[i] = make_fixture(INTERRUPTSYNC_MODE_NORMAL, &options);
    CHECK_EQUAL(interruptsync_object_register(them[i].object, count, &counts[i], 0, NULL), 0);
    CHECK_EQUAL(interruptsync_object_connect(them[i].object), 0);
  }
  interruptsync_group_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_group_statistics);
  CHECK_EQUAL(interruptsync_group_get_statistics(group, &now), 0);
  CHECK_EQUAL(now.lines, LINES);
  // The objects keep the group.
  CHECK_EQUAL(interruptsync_release(group), 0);
  for (int round = 1; round <= 50; round++) {
    for (int i = 0; i < LINES; i++) CHECK_EQUAL(interruptsync_line_trigger(them[i].line, 1), 0);
    for (int i = 0; i < LINES; i++) await_interrupts(them[i].object, (uint64_t)round);
  }
  for (int i = 0; i < LINES; i++) {
    end_fixture(&them[i]);
    CHECK(counts[i].calls > 0 && counts[i].calls <= 50);
    CHECK(pthread_equal(counts[i].thread, counts[0].thread));
  }
}

static void on_report(interruptsync_object *object, const interruptsync_report *report, void *context) {
  CHECK(object == NULL);
  CHECK_EQUAL(report->kind, INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED);
  CHECK(strstr(report->text, "processors 1023") != NULL);
  ++*(int *)context;
}

TEST(group_refusals) {
  int reports = 0;
  interruptsync_group *group = NULL;
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  attributes.processors[15] = UINT64_C(1) << 63;
  CHECK_EQUAL(interruptsync_group_create(NULL, &attributes, on_report, &reports, &group), 0);
  CHECK_EQUAL(reports, 1);
  CHECK_EQUAL(interruptsync_release(group), 0);
  attributes.waiting = 4;
  CHECK_FAILS(interruptsync_group_create(NULL, &attributes, NULL, NULL, &group), EINVAL, "4 is not a wait strategy");
  CHECK_EQUAL(interruptsync_group_create(NULL, NULL, NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_group_get_statistics(NULL, NULL), -EINVAL);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  interruptsync_line *line = NULL;
  interruptsync_object *object = NULL;
  CHECK_EQUAL(interruptsync_line_software(NULL, &line), 0);
  options.group = (interruptsync_group *)(void *)line;
  CHECK_FAILS(interruptsync_object_create(line, 1, &options, &object), EINVAL, "handle of a group");
  interruptsync_release(line);
}

TEST(waiting) {
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.dispatcher = &attributes;
  const uint32_t ways[] = {INTERRUPTSYNC_WAIT_BLOCK, INTERRUPTSYNC_WAIT_ADAPTIVE, INTERRUPTSYNC_WAIT_POLL};
  for (int i = 0; i < 3; i++) {
    struct counted it;
    memset(&it, 0, sizeof it);
    attributes.waiting = ways[i];
    attributes.wait_time = i == 0 ? 0 : 500000;
    struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, &options);
    CHECK_EQUAL(interruptsync_object_register(fixture.object, count, &it, 0, NULL), 0);
    CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
    CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
    // Every way ends in sleep.
    interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
    do CHECK_EQUAL(interruptsync_object_get_statistics(fixture.object, &now), 0);
    while (now.claimed == 0 || now.sleeps == 0);
    CHECK_EQUAL(now.spins_in_vain > 0, ways[i] != INTERRUPTSYNC_WAIT_BLOCK);
    end_fixture(&fixture);
  }
}

// A program of version 0.1 with its smaller structs, whose memory ends where they end.
TEST(structs_of_earlier_programs) {
  enum { ATTRIBUTES = 160, OPTIONS = 72, STATISTICS = 120 };
  char *attributes = (char *)calloc(1, ATTRIBUTES), *options = (char *)calloc(1, OPTIONS);
  char *statistics = (char *)calloc(1, STATISTICS);
  *(size_t *)(void *)attributes = ATTRIBUTES;
  *(size_t *)(void *)options = OPTIONS;
  *(size_t *)(void *)statistics = STATISTICS;
  const char *const *dispatcher = (const char *const *)(void *)&attributes;
  memcpy(options + OPTIONS - sizeof(void *), dispatcher, sizeof(void *));
  struct fixture fixture =
      make_fixture(INTERRUPTSYNC_MODE_NORMAL, (const interruptsync_object_options *)(void *)options);
  CHECK_EQUAL(
      interruptsync_object_get_statistics(fixture.object, (interruptsync_statistics *)(void *)statistics), 0);
  CHECK_EQUAL(*(size_t *)(void *)statistics, STATISTICS);
  *(size_t *)(void *)statistics = STATISTICS - 8;
  CHECK_EQUAL(
      interruptsync_object_get_statistics(fixture.object, (interruptsync_statistics *)(void *)statistics), -EINVAL);
  end_fixture(&fixture);
  free(attributes);
  free(options);
  free(statistics);
}

static void use_every_processor(void *context, void *first, void *second) {
  (void)first;
  (void)second;
  cpu_set_t every;
  pthread_getaffinity_np(pthread_self(), sizeof every, &every);
  *(int *)context = CPU_COUNT(&every);
  memset(&every, 0xff, sizeof every);
  pthread_setaffinity_np(pthread_self(), sizeof every, &every);
}

TEST(a_threads_processors_are_restored) {
  cpu_set_t all;
  CHECK_EQUAL(pthread_getaffinity_np(pthread_self(), sizeof all, &all), 0);
  int last = CPU_SETSIZE - 1, seen = 0;
  while (!CPU_ISSET(last, &all)) last--;
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  attributes.processors[last / 64] = UINT64_C(1) << (last % 64);
  interruptsync_queue *queue = NULL;
  interruptsync_deferred *deferred = NULL;
  CHECK_EQUAL(interruptsync_queue_create(NULL, &attributes, &queue), 0);
  CHECK_EQUAL(interruptsync_deferred_create(queue, use_every_processor, &seen, &deferred), 0);
  for (int round = 0; round < 2; round++) {
    CHECK_EQUAL(interruptsync_restore_affinities(), 0);
    CHECK_EQUAL(interruptsync_deferred_enqueue(deferred, NULL, NULL), 1);
    CHECK_EQUAL(interruptsync_queue_flush(queue), 0);
    CHECK_EQUAL(seen, 1);
    CHECK_EQUAL(interruptsync_restore_affinities(), CPU_COUNT(&all) > 1);
  }
  CHECK_EQUAL(interruptsync_release(deferred), 0);
  CHECK_EQUAL(interruptsync_release(queue), 0);
  CHECK_EQUAL(interruptsync_restore_affinities(), 0);
}
