// What docs/processes.md says of fork(2), daemon(3), a second process and exit(3), on a QEMU edu behind UIO. Each
// statement is a subcommand; the program says what it saw and ends with 0 if that is right.
#define _GNU_SOURCE
#include <interruptsync.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { STATUS = 0x24, RAISE = 0x60, ACKNOWLEDGE = 0x64, COUNT = 10 };

static interruptsync_device *device;
static interruptsync_region *registers;
static interruptsync_line *line;
static interruptsync_object *object;
static atomic_int serviced, late;
static atomic_bool is_destroyed;

#define TRY(call)                                                \
  do {                                                           \
    if ((call) < 0) {                                            \
      printf("%s: %s\n", #call, interruptsync_last_error());     \
      exit(1);                                                   \
    }                                                            \
  } while (0)

static int32_t service(interruptsync_object *own, void *context) {
  (void)own;
  (void)context;
  uint32_t status = 0;
  if (interruptsync_read32(registers, STATUS, &status) != 0 || status == 0) return INTERRUPTSYNC_NOT_MINE;
  interruptsync_write32(registers, ACKNOWLEDGE, status);
  if (atomic_load(&is_destroyed)) atomic_fetch_add(&late, 1);
  atomic_fetch_add(&serviced, 1);
  return INTERRUPTSYNC_CLAIMED;
}

static void open_edu(const char *id) {
  TRY(interruptsync_device_open(id, &device));
  TRY(interruptsync_region_bar(device, 0, &registers));
  TRY(interruptsync_write32(registers, ACKNOWLEDGE, UINT32_MAX));
  TRY(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_AUTOMATIC, &line));
  TRY(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object));
  TRY(interruptsync_object_register(object, service, NULL, 0, NULL));
}

static bool reached(int wanted) {
  struct timespec now, end;
  clock_gettime(CLOCK_MONOTONIC, &end);
  do {
    if (atomic_load(&serviced) >= wanted) return true;
    usleep(1000);
    clock_gettime(CLOCK_MONOTONIC, &now);
  } while (now.tv_sec < end.tv_sec + 30);
  return false;
}

// Raises some interrupts, each when the last has been serviced. How many were.
static int raise_some(void) {
  int before = atomic_load(&serviced);
  for (int i = 1; i <= COUNT; i++) {
    interruptsync_write32(registers, RAISE, (uint32_t)i);
    if (!reached(before + i)) break;
  }
  return atomic_load(&serviced) - before;
}

static int served(const char *when) {
  int count = raise_some();
  printf("%s: %d of %d serviced\n", when, count, COUNT);
  return count == COUNT ? 0 : 1;
}

// C1: what a child does with its parent's objects, and their release, stop no interrupt of the parent's.
static int child_releases(void) {
  TRY(interruptsync_object_connect(object));
  if (served("before the child") != 0) return 1;
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    bool refused = interruptsync_object_disconnect(object) == -ECHILD && interruptsync_object_connect(object) == -ECHILD;
    interruptsync_release(object);
    interruptsync_release(line);
    interruptsync_release(registers);
    interruptsync_release(device);
    _exit(refused ? 0 : 1);
  }
  int status = 1;
  waitpid(child, &status, 0);
  printf("the child ended with %d\n", status);
  return served("after the child") != 0 || status != 0;
}

// C2: daemon(3) leaves the thread behind; the object says so, and connects again.
static int becomes_a_daemon(void) {
  TRY(interruptsync_object_connect(object));
  if (served("before") != 0) return 1;
  // Without a console's descriptors closed: what the daemon says is this case's.
  fflush(stdout);
  pid_t child = fork();
  if (child < 0) return 1;
  if (child > 0) {
    // The parent ends at once, as in daemon(3), but a reader of its output waits for the child's end.
    _exit(0);
  }
  setsid();
  int state = interruptsync_object_get_state(object);
  for (int i = 0; i < 100 && state == -ECHILD; i++) {
    usleep(10000);
    state = interruptsync_object_get_state(object);
  }
  printf("the state is %d\n", state);
  if (state != INTERRUPTSYNC_ENDED) return 1;
  // Came while no thread served the line: it is not lost.
  interruptsync_write32(registers, RAISE, 1);
  int before = atomic_load(&serviced);
  TRY(interruptsync_object_connect(object));
  if (!reached(before + 1)) return 1;
  return served("in the daemon");
}

// C3: another process is connected.
static int is_refused(const char *id, const char *holder) {
  TRY(interruptsync_device_open(id, &device));
  int result = interruptsync_line_uio(device, INTERRUPTSYNC_REARM_AUTOMATIC, &line);
  const char *said = interruptsync_last_error();
  printf("%d: %s\n", result, said);
  return result == -EBUSY && strstr(said, holder) ? 0 : 1;
}

static void destroy(void) {
  atomic_store(&is_destroyed, true);
  // Interrupts that come now meet an empty list, or a masked line.
  for (uint32_t i = 1; i <= COUNT; i++) {
    interruptsync_write32(registers, RAISE, i);
    usleep(1000);
  }
  printf("%d routines ran after the end\n", atomic_load(&late));
  fflush(stdout);
  if (atomic_load(&late) != 0) _exit(1);
}

// C4: exit(3) destroys what the program registered before it connected; no routine runs any more.
static int exits(void) {
  atexit(destroy);
  TRY(interruptsync_object_connect(object));
  return served("before exit");
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  if (strcmp(arguments[1], "refused") == 0) return is_refused(arguments[2], count > 3 ? arguments[3] : "");
  open_edu(arguments[2]);
  if (strcmp(arguments[1], "child-releases") == 0) return child_releases();
  if (strcmp(arguments[1], "daemon") == 0) return becomes_a_daemon();
  if (strcmp(arguments[1], "exit") == 0) return exits();
  return 2;
}
