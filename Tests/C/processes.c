// What holds for fork(2), daemon(3), threads that end inside a routine, and a second process on one device.
#include "check.h"
#include "tree.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/wait.h>

static int32_t service(interruptsync_object *object, void *context) {
  (void)object;
  event_post((struct event *)context);
  return INTERRUPTSYNC_CLAIMED;
}

static int32_t nothing(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  return 7;
}

/// Starts a child that runs `body` once `*go` has been closed.
static pid_t child_that_waits(void (*body)(struct fixture *), struct fixture *fixture, int *go) {
  int ends[2];
  CHECK_EQUAL(pipe(ends), 0);
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    char none;
    close(ends[1]);
    check_forget_failures();
    CHECK_EQUAL(read(ends[0], &none, 1), 0);
    body(fixture);
    fflush(stdout);
    _exit(check_failures() != 0);
  }
  close(ends[0]);
  *go = ends[1];
  return child;
}

/// Lets a child run, and is true if all its checks held.
static bool runs(pid_t child, int go) {
  int status = 1;
  close(go);
  waitpid(child, &status, 0);
  return status == 0;
}

static bool in_child(void (*body)(struct fixture *), struct fixture *fixture) {
  int go;
  pid_t child = child_that_waits(body, fixture, &go);
  return runs(child, go);
}

static uint64_t sleeps(struct fixture *fixture) {
  interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  CHECK_EQUAL(interruptsync_object_get_statistics(fixture->object, &now), 0);
  return now.sleeps;
}

/// Dispatches until the thread has slept and woken, and one call. The language's runtime makes some things at their first use, under locks that a fork at
/// that moment leaves locked in the child.
static void use_all_once(struct fixture *fixture, struct event *serviced) {
  do {
    CHECK_EQUAL(interruptsync_line_trigger(fixture->line, 1), 0);
    CHECK(event_wait(serviced));
  } while (sleeps(fixture) < 3);
  // Until no routine runs and the lock is free.
  CHECK_EQUAL(interruptsync_object_call(fixture->object, nothing, NULL, NULL), 0);
}

static void use_the_parents(struct fixture *fixture) {
  int32_t status = 0;
  interruptsync_registration *registration = NULL;
  interruptsync_lock *lock = NULL;
  char parent[32];
  snprintf(parent, sizeof parent, "process %d", (int)getppid());
  CHECK_FAILS(interruptsync_object_call(fixture->object, nothing, NULL, &status), ECHILD, "forked");
  CHECK_REFUSED(interruptsync_object_connect(fixture->object), ECHILD, parent);
  CHECK_REFUSED(interruptsync_object_disconnect(fixture->object), ECHILD, parent);
  CHECK_REFUSED(interruptsync_object_register(fixture->object, nothing, NULL, 0, &registration), ECHILD, parent);
  CHECK_REFUSED(interruptsync_object_get_state(fixture->object), ECHILD, parent);
  CHECK_REFUSED(interruptsync_object_resume(fixture->object), ECHILD, parent);
  CHECK_REFUSED(interruptsync_object_get_lock(fixture->object, &lock), ECHILD, parent);
  CHECK_REFUSED(interruptsync_line_trigger(fixture->line, 1), ECHILD, parent);
  // Memory alone is freed.
  CHECK_EQUAL(interruptsync_release(fixture->object), 0);
  CHECK_EQUAL(interruptsync_release(fixture->line), 0);
  // What the child makes itself is its own.
  struct fixture own = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  struct event serviced;
  event_init(&serviced);
  CHECK_EQUAL(interruptsync_object_register(own.object, service, &serviced, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(own.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(own.line, 1), 0);
  CHECK(event_wait(&serviced));
  end_fixture(&own);
}

TEST(processes_a_forked_child_may_not_touch_its_parents_objects) {
  struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  struct event serviced;
  event_init(&serviced);
  CHECK_EQUAL(interruptsync_object_register(fixture.object, service, &serviced, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  use_all_once(&fixture, &serviced);
  CHECK(in_child(use_the_parents, &fixture));
  CHECK(!event_is_posted(&serviced));
  CHECK_EQUAL(interruptsync_object_get_state(fixture.object), INTERRUPTSYNC_CONNECTED);
  for (int i = 0; i < 10; i++) {
    CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
    CHECK(event_wait(&serviced));
  }
  end_fixture(&fixture);
}

// The daemon's half: its parent has gone, and with it the dispatcher's thread.
static void go_on_as_a_daemon(struct fixture *fixture, struct event *serviced) {
  CHECK_EQUAL(interruptsync_object_get_state(fixture->object), INTERRUPTSYNC_ENDED);
  int32_t status = 0;
  CHECK_EQUAL(interruptsync_object_call(fixture->object, nothing, NULL, &status), 0);
  CHECK_EQUAL(status, 7);
  CHECK_EQUAL(interruptsync_object_connect(fixture->object), 0);
  CHECK_EQUAL(interruptsync_object_get_state(fixture->object), INTERRUPTSYNC_CONNECTED);
  for (int i = 0; i < 10; i++) {
    CHECK_EQUAL(interruptsync_line_trigger(fixture->line, 1), 0);
    CHECK(event_wait(serviced));
  }
  end_fixture(fixture);
}

TEST(processes_a_daemon_takes_its_objects_over_and_connects_them_again) {
  int report[2];
  CHECK_EQUAL(pipe(report), 0);
  fflush(stdout);
  pid_t starter = fork();
  if (starter == 0) {
    check_forget_failures();
    struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
    struct event serviced;
    event_init(&serviced);
    CHECK_EQUAL(interruptsync_object_register(fixture.object, service, &serviced, 0, NULL), 0);
    CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
    use_all_once(&fixture, &serviced);
    if (daemon(1, 1) != 0) _exit(1);
    go_on_as_a_daemon(&fixture, &serviced);
    fflush(stdout);
    char failed = check_failures() != 0;
    _exit(write(report[1], &failed, 1) == 1 ? 0 : 1);
  }
  close(report[1]);
  char failed = 1;
  CHECK_EQUAL(read(report[0], &failed, 1), 1);
  CHECK_EQUAL(failed, 0);
  waitpid(starter, NULL, 0);
  close(report[0]);
}

/// Of the command register.
enum { INTX_DISABLE = 0x400 };

static void open_the_same_device(struct fixture *fixture) {
  (void)fixture;
  interruptsync_device *device = NULL;
  interruptsync_line *line = NULL;
  char holder[32];
  snprintf(holder, sizeof holder, "process %d (", (int)getppid());
  CHECK_EQUAL(interruptsync_device_open("uio0", &device), 0);
  CHECK_REFUSED(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_PCI_COMMAND, &line), EBUSY, holder);
  CHECK_EQUAL(interruptsync_release(device), 0);
}

TEST(processes_a_second_process_on_a_device_is_refused_and_told_the_holder) {
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  interruptsync_line *line = NULL;
  interruptsync_object *object = NULL;
  const char *config = "sys/devices/pci0000:00/0000:00:03.0/config";
  uint16_t command = 0;
  int go;
  pid_t other = child_that_waits(open_the_same_device, NULL, &go);
  CHECK_EQUAL(interruptsync_device_open("uio0", &device), 0);
  CHECK_EQUAL(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_PCI_COMMAND, &line), 0);
  CHECK_EQUAL(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object), 0);
  CHECK_EQUAL(interruptsync_object_register(object, nothing, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  // A line that is made is masked, and its dispatcher arms it.
  CHECK_SOON((tree_read(&tree, config, 4, &command, sizeof command), (command & INTX_DISABLE) == 0));
  CHECK(runs(other, go));
  // Not that of another process.
  tree_read(&tree, config, 4, &command, sizeof command);
  CHECK_EQUAL(command & INTX_DISABLE, 0);
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);
  CHECK_EQUAL(interruptsync_release(object), 0);
  CHECK_EQUAL(interruptsync_release(line), 0);
  CHECK_EQUAL(interruptsync_release(device), 0);
  end_tree(&tree);
}

static int32_t end_inside(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  pthread_exit(NULL);
}

static void *call_and_end(void *object) {
  interruptsync_object_call((interruptsync_object *)object, end_inside, NULL, NULL);
  return NULL;
}

static void repair(void *context) { *(bool *)context = true; }

TEST(processes_a_thread_that_ends_inside_a_routine_is_told_until_it_is_repaired) {
  struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  struct event serviced;
  event_init(&serviced);
  interruptsync_lock *lock = NULL;
  bool is_repaired = false;
  CHECK_EQUAL(interruptsync_object_get_lock(fixture.object, &lock), 0);
  CHECK_FAILS(interruptsync_lock_repair(lock, repair, &is_repaired), EINVAL, "no thread has ended");
  CHECK_EQUAL(interruptsync_object_register(fixture.object, service, &serviced, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  pthread_t thread;
  CHECK_EQUAL(pthread_create(&thread, NULL, call_and_end, fixture.object), 0);
  CHECK_EQUAL(pthread_join(thread, NULL), 0);
  CHECK_FAILS(interruptsync_object_call(fixture.object, nothing, NULL, NULL), EOWNERDEAD, "ended inside a routine");
  // No service routine runs over what is half done.
  CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
  CHECK_EQUAL(interruptsync_object_disconnect(fixture.object), 0);
  CHECK(!event_is_posted(&serviced));
  CHECK_FAILS(interruptsync_object_connect(fixture.object), EOWNERDEAD, "interruptsync_lock_repair");
  CHECK_EQUAL(interruptsync_lock_repair(lock, repair, &is_repaired), 0);
  CHECK(is_repaired);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  CHECK_EQUAL(interruptsync_line_trigger(fixture.line, 1), 0);
  CHECK(event_wait(&serviced));
  CHECK_EQUAL(interruptsync_release(lock), 0);
  end_fixture(&fixture);
}

TEST(processes_a_program_that_is_executed_gets_no_descriptor) {
  bool was_open[1024];
  for (int fd = 0; fd < 1024; fd++) was_open[fd] = fcntl(fd, F_GETFD) >= 0;
  struct tree tree = make_tree();
  interruptsync_device *device = NULL;
  interruptsync_line *line = NULL;
  interruptsync_region *region = NULL;
  CHECK_EQUAL(interruptsync_device_open("uio0", &device), 0);
  CHECK_EQUAL(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_PCI_COMMAND, &line), 0);
  CHECK_EQUAL(interruptsync_region_bar(device, 0, &region), 0);
  struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  CHECK_EQUAL(interruptsync_object_register(fixture.object, nothing, NULL, 0, NULL), 0);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  int made = 0;
  for (int fd = 0; fd < 1024; fd++) {
    int flags = fcntl(fd, F_GETFD);
    if (flags < 0 || was_open[fd]) continue;
    made++;
    CHECK(flags & FD_CLOEXEC);
  }
  // The node, the configuration space, the software line's event and the dispatcher's.
  CHECK(made >= 4);
  end_fixture(&fixture);
  CHECK_EQUAL(interruptsync_release(region), 0);
  CHECK_EQUAL(interruptsync_release(line), 0);
  CHECK_EQUAL(interruptsync_release(device), 0);
  end_tree(&tree);
}

enum { RAN_TOO_LATE = 66 };
static bool is_destroyed;

static void end_if_too_late(void) {
  if (__atomic_load_n(&is_destroyed, __ATOMIC_ACQUIRE)) _exit(RAN_TOO_LATE);
}

static int32_t service_and_defer(interruptsync_object *object, void *context) {
  (void)object;
  end_if_too_late();
  interruptsync_deferred_enqueue((interruptsync_deferred *)context, NULL, NULL);
  return INTERRUPTSYNC_CLAIMED;
}

static void deferred(void *context, void *argument1, void *argument2) {
  (void)context, (void)argument1, (void)argument2;
  end_if_too_late();
}

static void *trigger_for_ever(void *line) {
  while (true) interruptsync_line_trigger((interruptsync_line *)line, 1);
  return NULL;
}

// As the destructor of a static object that routines use. The line interrupts on.
static void destroy(void) {
  __atomic_store_n(&is_destroyed, true, __ATOMIC_RELEASE);
  usleep(3000);
}

static int32_t leave(interruptsync_object *object, void *context) {
  (void)object;
  (void)context;
  exit(0);
}

static void exit_while_it_interrupts(bool from_a_routine) {
  struct fixture fixture = make_fixture(INTERRUPTSYNC_MODE_NORMAL, NULL);
  interruptsync_queue *queue = NULL;
  interruptsync_deferred *routine = NULL;
  pthread_t thread;
  CHECK_EQUAL(interruptsync_queue_create("queue", NULL, &queue), 0);
  CHECK_EQUAL(interruptsync_deferred_create(queue, deferred, NULL, &routine), 0);
  CHECK_EQUAL(interruptsync_object_register(fixture.object, service_and_defer, routine, 0, NULL), 0);
  // Constructed before the connect.
  atexit(destroy);
  CHECK_EQUAL(interruptsync_object_connect(fixture.object), 0);
  CHECK_EQUAL(pthread_create(&thread, NULL, trigger_for_ever, fixture.line), 0);
  usleep(1000);
  if (from_a_routine) interruptsync_object_call(fixture.object, leave, NULL, NULL);
  exit(0);
}

TEST(processes_no_routine_runs_once_exit_destroys_what_it_uses) {
  for (int i = 0; i < 30; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) exit_while_it_interrupts(i % 3 == 0);
    int status = 1;
    waitpid(child, &status, 0);
    CHECK_EQUAL(status, 0);
  }
}
