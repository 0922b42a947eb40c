// Lines of software and of descriptors.
#include "check.h"

#include <sys/eventfd.h>

static struct event served;

static int32_t serve(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  event_post(&served);
  return INTERRUPTSYNC_CLAIMED;
}

TEST(software_line) {
  event_init(&served);
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_ALL, NULL);
  interruptsync_line_info info = INTERRUPTSYNC_STRUCT(interruptsync_line_info);
  CHECK_EQUAL(interruptsync_line_get_info(it.line, &info), 0);
  CHECK_EQUAL(info.kind, INTERRUPTSYNC_LINE_SOFTWARE);
  CHECK_EQUAL(info.rearm, INTERRUPTSYNC_REARM_NONE);
  CHECK_EQUAL(strcmp(info.name, "test"), 0);
  // Interrupts raised before the connection are kept.
  CHECK_EQUAL(interruptsync_line_trigger(it.line, 3), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, serve, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK(event_wait(&served));
  CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(it.object, &now), 0);
  CHECK_EQUAL(now.interrupts, 3);
  CHECK_EQUAL(now.dispatches, 1);
  CHECK_EQUAL(now.coalesced, 2);
  CHECK_EQUAL(now.claimed, 1);
  CHECK_EQUAL(now.routine_count, 1);
  CHECK_FAILS(interruptsync_line_set_bus_master(it.line, true), EOPNOTSUPP, "not a device's line");
  end_fixture(&it);
}

static void on_report(interruptsync_object *object, const interruptsync_report *report, void *context) {
  (void)object;
  interruptsync_report *copy = (interruptsync_report *)context;
  copy->kind = report->kind;
  copy->error = report->error;
  copy->count = strlen(report->text);
  event_post(&served);
}

static int32_t note_mask(void *context) {
  __atomic_add_fetch((int *)context, 100, __ATOMIC_RELAXED);
  return 0;
}

static int32_t note_unmask(void *context) {
  __atomic_add_fetch((int *)context, 1, __ATOMIC_RELAXED);
  return 0;
}

static void serve_on(interruptsync_line *line, int counter, uint32_t rearm) {
  interruptsync_object *object = NULL;
  interruptsync_line_info info = INTERRUPTSYNC_STRUCT(interruptsync_line_info);
  CHECK_EQUAL(interruptsync_line_get_info(line, &info), 0);
  CHECK_EQUAL(info.kind, INTERRUPTSYNC_LINE_DESCRIPTOR);
  CHECK_EQUAL(info.rearm, rearm);
  CHECK_EQUAL(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object), 0);
  CHECK_EQUAL(interruptsync_object_register(object, serve, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  for (int i = 0; i < 3; i++) {
    uint64_t one = 1;
    CHECK_EQUAL(write(counter, &one, sizeof one), sizeof one);
    CHECK(event_wait(&served));
  }
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);
  interruptsync_release(object);
  interruptsync_release(line);
}

// Unmasked at connect and by each of three dispatches; masked at disconnect, where there is a call for it.
TEST(N17_descriptor_lines_are_unmasked_by_an_eventfd_or_by_calls) {
  event_init(&served);
  int counter = eventfd(0, EFD_NONBLOCK), unmask = eventfd(0, EFD_NONBLOCK);
  interruptsync_line *line = NULL;
  interruptsync_masking masking = INTERRUPTSYNC_STRUCT(interruptsync_masking);
  masking.kind = INTERRUPTSYNC_MASKING_EVENTFD;
  masking.unmask_fd = unmask;
  CHECK_EQUAL(
      interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, &masking, &line), 0);
  serve_on(line, counter, INTERRUPTSYNC_REARM_UNMASK);
  uint64_t count = 0;
  CHECK_EQUAL(read(unmask, &count, sizeof count), sizeof count);
  CHECK_EQUAL(count, 4);
  const struct {
    uint32_t kind, rearm;
    int noted;
  } kinds[] = {
      {INTERRUPTSYNC_MASKING_EACH_INTERRUPT, INTERRUPTSYNC_REARM_CALL, 104},
      {INTERRUPTSYNC_MASKING_ON_DEMAND, INTERRUPTSYNC_REARM_NONE, 101},
  };
  for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
    int noted = 0;
    masking.kind = kinds[i].kind;
    masking.mask = note_mask;
    masking.unmask = note_unmask;
    masking.context = &noted;
    CHECK_EQUAL(
        interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, &masking, &line), 0);
    serve_on(line, counter, kinds[i].rearm);
    CHECK_EQUAL(__atomic_load_n(&noted, __ATOMIC_RELAXED), kinds[i].noted);
  }
  CHECK_EQUAL(interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, NULL, &line), 0);
  serve_on(line, counter, INTERRUPTSYNC_REARM_NONE);
  close(counter);
  close(unmask);
}

TEST(maskings_that_cannot_work_are_refused) {
  int counter = eventfd(0, 0), ends[2];
  CHECK_EQUAL(pipe(ends), 0);
  interruptsync_line *line = NULL;
  interruptsync_masking masking = INTERRUPTSYNC_STRUCT(interruptsync_masking);
  const struct {
    uint32_t kind;
    int unmask_fd;
    const char *words;
  } bad[] = {
      {4, -1, "4 is not a kind of masking"},
      {INTERRUPTSYNC_MASKING_EVENTFD, -1, "-1, is not open"},
      {INTERRUPTSYNC_MASKING_EVENTFD, ends[1], "is not an eventfd"},
      {INTERRUPTSYNC_MASKING_EACH_INTERRUPT, -1, "needs both calls"},
      {INTERRUPTSYNC_MASKING_ON_DEMAND, -1, "needs both calls"},
  };
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
    masking.kind = bad[i].kind;
    masking.unmask_fd = bad[i].unmask_fd;
    CHECK_REFUSED(interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, &masking, &line),
                  EINVAL, bad[i].words);
  }
  masking.unmask = note_unmask;
  CHECK_FAILS(interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, &masking, &line),
              EINVAL, "needs both calls");
  masking.size--;
  CHECK_FAILS(interruptsync_line_descriptor_masked(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, NULL, &masking, &line),
              EINVAL, "size");
  CHECK(line == NULL);
  close(counter);
  close(ends[0]);
  close(ends[1]);
}

// An eventfd of the caller's, and a pipe of totals whose writer goes away.
TEST(descriptor_lines) {
  event_init(&served);
  int counter = eventfd(0, 0), ends[2];
  CHECK_EQUAL(pipe(ends), 0);
  interruptsync_line *first = NULL, *second = NULL;
  CHECK_EQUAL(interruptsync_line_descriptor(counter, INTERRUPTSYNC_EVENT_COUNTER, 0, "counter", &first), 0);
  CHECK_EQUAL(interruptsync_line_descriptor(ends[0], INTERRUPTSYNC_TOTALS, UINT32_MAX, NULL, &second), 0);
  close(ends[0]);
  CHECK_FAILS(interruptsync_line_trigger(first, 1), EOPNOTSUPP, "counter is not a software line");
  CHECK_FAILS(interruptsync_line_descriptor(-1, INTERRUPTSYNC_TOTALS, 0, NULL, &second), EINVAL, "EBADF");
  CHECK_FAILS(interruptsync_line_descriptor(counter, 2, 0, NULL, &second), EINVAL, "2 is not a format");

  interruptsync_report seen = INTERRUPTSYNC_STRUCT(interruptsync_report);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.report = on_report;
  options.report_context = &seen;
  interruptsync_object *object = NULL;
  CHECK_EQUAL(interruptsync_object_create(first, INTERRUPTSYNC_MODE_NORMAL, &options, &object), 0);
  CHECK_EQUAL(interruptsync_object_register(object, serve, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  uint64_t one = 1;
  CHECK_EQUAL(write(counter, &one, sizeof one), sizeof one);
  CHECK(event_wait(&served));
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);

  // The total wraps: two interrupts since UINT32_MAX.
  CHECK_EQUAL(interruptsync_object_connect_to(object, second), 0);
  uint32_t total = 1;
  CHECK_EQUAL(write(ends[1], &total, sizeof total), sizeof total);
  CHECK(event_wait(&served));
  close(ends[1]);
  CHECK(event_wait(&served));
  CHECK_EQUAL(seen.kind, INTERRUPTSYNC_REPORT_REMOVED);
  CHECK_EQUAL(seen.error, -ENODEV);
  CHECK(seen.count > 0);
  CHECK_EQUAL(interruptsync_object_get_state(object), INTERRUPTSYNC_ENDED);
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(object, &now), 0);
  CHECK_EQUAL(now.interrupts, 3);
  interruptsync_release(object);
  interruptsync_release(first);
  interruptsync_release(second);
  close(counter);
}
