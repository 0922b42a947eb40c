// Synchronized calls, the interrupt handle, the lock.
#include "check.h"

static struct event entered;

static int32_t answer(interruptsync_object *object, void *context) {
  (void)object;
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_DEVICE);
  return *(int32_t *)context;
}

// P33, P34: the routine's own status, in each of the object's lives.
TEST(P33_status_verbatim) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  const int32_t values[] = {0, 1, -1, 0x102, INT32_MIN, INT32_MAX, INTERRUPTSYNC_NOT_MINE, -0x3ffffe6c};
  int32_t zero = 0;
  CHECK_EQUAL(interruptsync_object_register(it.object, answer, &zero, 0, NULL), 0);
  for (int life = 0; life < 3; life++) {
    if (life == 1) CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
    if (life == 2) CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
      int32_t status = 42, value = values[i];
      CHECK_EQUAL(interruptsync_object_call(it.object, answer, &value, &status), 0);
      CHECK_EQUAL(status, value);
      CHECK_EQUAL(interruptsync_object_call(it.object, answer, &value, NULL), 0);
    }
  }
  CHECK_EQUAL(interruptsync_object_call(it.object, NULL, NULL, NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_PASSIVE);
  end_fixture(&it);
}

static int32_t refused_inside(interruptsync_object *object, void *context) {
  interruptsync_queue *queue = (interruptsync_queue *)context;
  int32_t status = 42;
  CHECK_FAILS(interruptsync_object_call(object, answer, &status, &status), EDEADLK, "inside a routine");
  CHECK_EQUAL(status, 42);
  CHECK_EQUAL(interruptsync_object_connect(object), -EDEADLK);
  CHECK_EQUAL(interruptsync_object_disconnect(object), -EDEADLK);
  CHECK_EQUAL(interruptsync_object_register(object, answer, NULL, 0, NULL), -EDEADLK);
  CHECK_EQUAL(interruptsync_queue_flush(queue), -EPERM);
  interruptsync_lock *lock = NULL;
  CHECK_EQUAL(interruptsync_object_get_lock(object, &lock), 0);
  CHECK_EQUAL(interruptsync_lock_is_held(lock), 1);
  interruptsync_release(lock);
  return 7;
}

// N4, N23: an error to the caller, the routine not run.
TEST(N4_reentry) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_queue *queue = NULL;
  CHECK_EQUAL(interruptsync_queue_create(NULL, NULL, &queue), 0);
  int32_t status = 0;
  CHECK_EQUAL(interruptsync_object_call(it.object, refused_inside, queue, &status), 0);
  CHECK_EQUAL(status, 7);
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(it.object, &now), 0);
  CHECK_EQUAL(now.synchronized_calls, 1);
  CHECK(now.refused_calls >= 1);
  interruptsync_release(queue);
  end_fixture(&it);
}

static int32_t release_inside(interruptsync_object *object, void *context) {
  (void)context;
  CHECK_EQUAL(interruptsync_release(object), 0);
  CHECK_EQUAL(interruptsync_object_get_state(object), -EINVAL);
  return 5;
}

// The object lasts until the call that released it has ended.
TEST(release_inside_a_call) {
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  int32_t status = 0;
  CHECK_EQUAL(interruptsync_object_call(it.object, release_inside, NULL, &status), 0);
  CHECK_EQUAL(status, 5);
  CHECK_EQUAL(interruptsync_object_call(it.object, release_inside, NULL, &status), -EINVAL);
  interruptsync_release(it.line);
}

struct counted {
  interruptsync_object *objects[2];
  interruptsync_line *lines[2];
  long plain;
  int inside;
};

static int32_t count(interruptsync_object *object, void *context) {
  (void)object;
  struct counted *it = (struct counted *)context;
  CHECK_EQUAL(__atomic_add_fetch(&it->inside, 1, __ATOMIC_RELAXED), 1);
  it->plain++;
  __atomic_sub_fetch(&it->inside, 1, __ATOMIC_RELAXED);
  return INTERRUPTSYNC_CLAIMED;
}

enum { ROUNDS = 5000 };

static void *caller(void *context) {
  struct counted *it = (struct counted *)context;
  for (int i = 0; i < ROUNDS; i++) {
    CHECK_EQUAL(interruptsync_object_call(it->objects[i % 2], count, it, NULL), 0);
    if (i % 10 == 0) interruptsync_line_trigger(it->lines[i / 10 % 2], 1);
  }
  return NULL;
}

// P30, P31, K7: two objects with one lock, their service routines and three callers.
TEST(P30_exclusion_over_a_shared_lock) {
  struct counted it;
  memset(&it, 0, sizeof it);
  interruptsync_lock *lock = NULL;
  CHECK_EQUAL(interruptsync_lock_create(&lock), 0);
  interruptsync_object_options options = INTERRUPTSYNC_STRUCT(interruptsync_object_options);
  options.lock = lock;
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(interruptsync_line_software("shared", &it.lines[i]), 0);
    CHECK_EQUAL(interruptsync_object_create(it.lines[i], INTERRUPTSYNC_MODE_ALL, &options, &it.objects[i]), 0);
    CHECK_EQUAL(interruptsync_object_register(it.objects[i], count, &it, 0, NULL), 0);
    CHECK_EQUAL(interruptsync_object_connect(it.objects[i]), 0);
  }
  pthread_t threads[3];
  for (int i = 0; i < 3; i++) pthread_create(&threads[i], NULL, caller, &it);
  for (int i = 0; i < 3; i++) pthread_join(threads[i], NULL);
  long expected = 3 * ROUNDS;
  for (int i = 0; i < 2; i++) {
    CHECK_EQUAL(interruptsync_object_disconnect(it.objects[i]), 0);
    interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
    CHECK_EQUAL(interruptsync_object_get_statistics(it.objects[i], &now), 0);
    expected += (long)now.dispatches;
    interruptsync_release(it.objects[i]);
    interruptsync_release(it.lines[i]);
  }
  CHECK_EQUAL(it.plain, expected);
  interruptsync_lock_statistics waits = INTERRUPTSYNC_STRUCT(interruptsync_lock_statistics);
  CHECK_EQUAL(interruptsync_lock_get_statistics(lock, &waits), 0);
  CHECK((waits.contentions == 0) == (waits.longest_wait == 0));
  interruptsync_release(lock);
}

static bool execute(void *context) {
  CHECK_EQUAL(interruptsync_level(), INTERRUPTSYNC_DEVICE);
  event_post(&entered);
  return *(bool *)context;
}

static bool execute_inside(void *context) {
  interruptsync_interrupt *interrupt = (interruptsync_interrupt *)context;
  bool yes = true;
  CHECK_EQUAL(interruptsync_interrupt_synchronize(interrupt, execute, &yes, NULL), -EDEADLK);
  CHECK_EQUAL(interruptsync_release(interrupt), 0);
  return false;
}

// P28, P29, N14, K3.
TEST(N14_interrupt_handle) {
  event_init(&entered);
  struct fixture it = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_interrupt *interrupt = NULL;
  CHECK_FAILS(interruptsync_object_get_interrupt(it.object, &interrupt), ENOTCONN, "test is not connected");
  CHECK(interrupt == NULL);
  int32_t zero = 0;
  CHECK_EQUAL(interruptsync_object_register(it.object, answer, &zero, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(it.object), 0);
  CHECK_EQUAL(interruptsync_object_get_interrupt(it.object, &interrupt), 0);
  CHECK_EQUAL(interruptsync_interrupt_is_valid(interrupt), 1);
  for (int i = 0; i < 2; i++) {
    bool wanted = i == 1, result = !wanted;
    CHECK_EQUAL(interruptsync_interrupt_synchronize(interrupt, execute, &wanted, &result), 0);
    CHECK_EQUAL(result, wanted);
    CHECK(event_is_posted(&entered));
  }
  interruptsync_retain(interrupt);
  CHECK_EQUAL(interruptsync_interrupt_synchronize(interrupt, execute_inside, interrupt, NULL), 0);
  CHECK_EQUAL(interruptsync_object_disconnect(it.object), 0);
  CHECK_EQUAL(interruptsync_interrupt_is_valid(interrupt), 0);
  bool yes = true;
  CHECK_FAILS(interruptsync_interrupt_synchronize(interrupt, execute, &yes, &yes), ENODEV, "disconnected");
  CHECK(!event_is_posted(&entered));
  interruptsync_release(interrupt);
  end_fixture(&it);
}
