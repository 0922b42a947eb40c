// Deferred routines (N22, D1 to D3).
#include "check.h"

static struct event ran, gate;
static interruptsync_deferred *deferred;
static long runs;
static int32_t enqueued[2];

static void note_run(void *context, void *argument1, void *argument2) {
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_DISPATCH);
  CHECK_EQUAL((intptr_t)context, 1);
  CHECK_EQUAL((intptr_t)argument1, 2);
  CHECK_EQUAL((intptr_t)argument2, 3);
  runs++;
  event_post(&ran);
}

static int32_t defer(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  // Not yet running: the wake-up waits for the lock's release.
  enqueued[0] = interruptsync_deferred_enqueue(deferred, (void *)2, (void *)3);
  enqueued[1] = interruptsync_deferred_enqueue(deferred, (void *)4, (void *)5);
  return INTERRUPTSYNC_CLAIMED;
}

TEST(N22_deferred_from_a_service_routine) {
  event_init(&ran);
  runs = 0;
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_queue *queue = NULL;
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  attributes.stack_size = 128 * 1024;
  attributes.processors[0] = UINT64_MAX;
  attributes.name = "later";
  CHECK_EQUAL(interruptsync_queue_create("later", &attributes, &queue), 0);
  CHECK_EQUAL(interruptsync_deferred_create(queue, NULL, NULL, &deferred), -EINVAL);
  CHECK_EQUAL(interruptsync_deferred_create(queue, note_run, (void *)1, &deferred), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, defer, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(it.line, 1), 0);
  CHECK(event_wait(&ran));
  end_fixture(&it);
  CHECK_EQUAL(enqueued[0], 1);
  CHECK_EQUAL(enqueued[1], 0);
  CHECK_EQUAL(interruptsync_queue_flush(queue), 0);
  CHECK_EQUAL(runs, 1);
  interruptsync_release(deferred);
  interruptsync_release(queue);
}

static void hold(void *context, void *argument1, void *argument2) {
  (void)context;
  (void)argument1;
  (void)argument2;
  event_post(&ran);
  CHECK(event_wait(&gate));
}

// Taken back before it runs; released while queued it still runs.
TEST(D1_removing_and_releasing) {
  event_init(&ran);
  event_init(&gate);
  runs = 0;
  interruptsync_queue *queue = NULL;
  interruptsync_deferred *blocker = NULL;
  CHECK_EQUAL(interruptsync_queue_create(NULL, NULL, &queue), 0);
  CHECK_EQUAL(interruptsync_deferred_create(queue, hold, NULL, &blocker), 0);
  CHECK_EQUAL(interruptsync_deferred_create(queue, note_run, (void *)1, &deferred), 0);
  CHECK_EQUAL(interruptsync_deferred_enqueue(blocker, NULL, NULL), 1);
  CHECK(event_wait(&ran));
  CHECK_EQUAL(interruptsync_deferred_remove(deferred), 0);
  CHECK_EQUAL(interruptsync_deferred_enqueue(deferred, NULL, NULL), 1);
  CHECK_EQUAL(interruptsync_deferred_remove(deferred), 1);
  CHECK_EQUAL(interruptsync_deferred_enqueue(deferred, (void *)2, (void *)3), 1);
  interruptsync_release(deferred);
  interruptsync_release(blocker);
  event_post(&gate);
  CHECK_EQUAL(interruptsync_queue_flush(queue), 0);
  CHECK_EQUAL(runs, 1);
  interruptsync_release(queue);
}
