// Objects: creation, the list, connection.
#include "check.h"

static char order[64];
static struct event last;

// Writes its letter; an upper-case one claims.
static int32_t note(interruptsync_object *object, void *context) {
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_DEVICE);
  CHECK_EQUAL(interruptsync_object_get_state(object), INTERRUPTSYNC_CONNECTED);
  const char *letter = (const char *)context;
  size_t length = strlen(order);
  if (length + 1 < sizeof order) order[length] = *letter, order[length + 1] = 0;
  return *letter <= 'Z' ? INTERRUPTSYNC_CLAIMED : INTERRUPTSYNC_NOT_MINE;
}

static int32_t claim_twice(interruptsync_object *object, void *context) {
  (void)object;
  int *calls = (int *)context;
  return ++*calls <= 2 ? INTERRUPTSYNC_CLAIMED : INTERRUPTSYNC_NOT_MINE;
}

static int32_t end_of_list(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  event_post(&last);
  return INTERRUPTSYNC_NOT_MINE;
}

static int32_t nothing(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  return INTERRUPTSYNC_NOT_MINE;
}

// P10, P11, P16: head first, tail last; cancelled ones not at all (N8).
TEST(P10_list_order_and_cancelling) {
  event_init(&last);
  order[0] = 0;
  static char a[] = "A", b[] = "b", c[] = "C", d[] = "d";
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_ALL, NULL);
  interruptsync_registration *gone = NULL, *kept = NULL;
  CHECK_EQUAL(interruptsync_object_register(it.object, note, b, 0, &kept), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, note, c, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, note, d, 0, &gone), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, note, a, INTERRUPTSYNC_FIRST, NULL), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, end_of_list, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, note, a, 6, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_register(it.object, NULL, a, 0, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_registration_cancel(gone), 0);
  CHECK_EQUAL(interruptsync_registration_cancel(gone), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(it.line, 1), 0);
  CHECK(event_wait(&last));
  CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  CHECK_EQUAL(strcmp(order, "AbC"), 0);
  interruptsync_registration_statistics counts = INTERRUPTSYNC_STRUCT(interruptsync_registration_statistics);
  CHECK_EQUAL(interruptsync_registration_get_statistics(kept, &counts), 0);
  CHECK_EQUAL(counts.calls, 1);
  CHECK_EQUAL(counts.claims, 0);
  CHECK_EQUAL(interruptsync_registration_get_statistics(gone, &counts), 0);
  CHECK_EQUAL(counts.calls, 0);
  CHECK_EQUAL(interruptsync_release(gone), 0);
  CHECK_EQUAL(interruptsync_release(kept), 0);
  end_fixture(&it);
}

// P17, P19: whole passes until a clean one.
TEST(P17_repeat) {
  event_init(&last);
  int calls = 0;
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_REPEAT, NULL);
  CHECK_EQUAL(interruptsync_object_register(it.object, claim_twice, &calls, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_register(it.object, end_of_list, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(it.line, 1), 0);
  for (int pass = 0; pass < 3; pass++) CHECK(event_wait(&last));
  CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(it.object, &now), 0);
  CHECK_EQUAL(now.passes, 3);
  CHECK_EQUAL(now.claimed, 1);
  end_fixture(&it);
}

// N9, P24, P26.
TEST(N9_connection) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  CHECK_EQUAL(interruptsync_object_get_state(it.object), INTERRUPTSYNC_DISCONNECTED);
  CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  CHECK_FAILS(interruptsync_object_connect(it.object), ENODATA, "no service routine is registered");
  CHECK_EQUAL(interruptsync_object_register(it.object, nothing, NULL, 0, NULL), 0);
  for (int i = 0; i < 20; i++) {
    CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
    CHECK_EQUAL(interruptsync_object_get_state(it.object), INTERRUPTSYNC_CONNECTED);
    CHECK_FAILS(interruptsync_object_connect(it.object), EISCONN, "connected already");
    CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  }
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  interruptsync_object *second = NULL;
  CHECK_EQUAL(interruptsync_object_create(it.line, INTERRUPTSYNC_MODE_NORMAL, NULL, &second), 0);
  CHECK_EQUAL(interruptsync_object_register(second, nothing, NULL, 0, NULL), 0);
  CHECK_FAILS(interruptsync_object_connect(second), EBUSY, "another object is connected");
  CHECK_EQUAL(interruptsync_object_connect_to(second, NULL), -EINVAL);
  interruptsync_release(second);
  end_fixture(&it);
}

TEST(creation_errors) {
  interruptsync_line *line = NULL;
  CHECK_EQUAL(interruptsync_line_software(NULL, &line), 0);
  interruptsync_object *object = NULL;
  CHECK_FAILS(interruptsync_object_create(line, 0, NULL, &object), EINVAL, "0 is not a mode");
  CHECK_EQUAL(interruptsync_object_create(line, 4, NULL, &object), -EINVAL);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.lock = (interruptsync_lock *)(void *)line;
  CHECK_FAILS(interruptsync_object_create(line, 1, &options, &object), EINVAL, "handle of a lock");
  options.lock = NULL;
  options.storm_first_pause = 2000;
  CHECK_FAILS(interruptsync_object_create(line, 1, &options, &object), EINVAL, "pauses");
  options.storm_first_pause = 0;
  options.storm_share = 101;
  CHECK_FAILS(interruptsync_object_create(line, 1, &options, &object), EINVAL, "storm_share");
  options.storm_share = 0;
  interruptsync_thread_attributes attributes = INTERRUPTSYNC_STRUCT(interruptsync_thread_attributes);
  attributes.policy = 77;
  options.dispatcher = &attributes;
  CHECK_FAILS(interruptsync_object_create(line, 1, &options, &object), EINVAL, "77 is not SCHED_OTHER");
  options.dispatcher = NULL;
  options.size = 4;
  CHECK_EQUAL(interruptsync_object_create(line, 1, &options, &object), -EINVAL);
  struct {
    interruptsync_object_options known;
    uint64_t later;
  } large;
  memset(&large, 0, sizeof large);
  large.known.size = sizeof large;
  CHECK_EQUAL(interruptsync_object_create(line, 1, &large.known, &object), 0);
  CHECK_EQUAL(interruptsync_release(object), 0);
  large.later = 1;
  CHECK_EQUAL(interruptsync_object_create(line, 1, &large.known, &object), -E2BIG);
  interruptsync_release(line);
}

static int32_t release_itself(interruptsync_object *object, void *context) {
  CHECK_EQUAL(interruptsync_release(object), 0);
  CHECK_EQUAL(interruptsync_object_get_state(object), -EINVAL);
  event_post((struct event *)context);
  return INTERRUPTSYNC_CLAIMED;
}

// P25, N12: the last reference disconnects, also from inside a service routine.
TEST(N12_last_release) {
  event_init(&last);
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  CHECK_EQUAL(interruptsync_object_register(it.object, release_itself, &last, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(it.line, 1), 0);
  CHECK(event_wait(&last));
  CHECK_EQUAL(interruptsync_object_get_state(it.object), -EINVAL);
  interruptsync_release(it.line);

  it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  CHECK_EQUAL(interruptsync_object_register(it.object, nothing, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_release(it.object), 0);
  interruptsync_object *next = NULL;
  CHECK_EQUAL(interruptsync_object_create(it.line, INTERRUPTSYNC_MODE_NORMAL, NULL, &next), 0);
  CHECK_EQUAL(interruptsync_object_register(next, nothing, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(next), 0);
  it.object = next;
  end_fixture(&it);
}
