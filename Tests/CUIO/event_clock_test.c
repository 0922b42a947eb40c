// Wake-ups, the deferred wake-up of a thread at device level, ticks, counters.
#define _GNU_SOURCE
#include "check.h"

#include "CUIO.h"
#include "linux_wake_pair.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

TEST(event_is_nonblocking_and_closed_on_exec) {
  int fd = linux_event_create();
  CHECK(fd >= 0);
  CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
  CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
  close(fd);
}

TEST(event_drain_takes_everything_at_once) {
  int fd = linux_event_create();
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  CHECK_EQUAL(linux_event_signal(fd, 1), 0);
  CHECK_EQUAL(linux_event_signal(fd, 5), 0);
  CHECK_EQUAL(linux_event_drain(fd), 0);
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  close(fd);
}

TEST(event_that_is_full_is_still_signalled) {
  int fd = linux_event_create();
  CHECK_EQUAL(linux_event_signal(fd, UINT64_MAX - 1), 0);
  CHECK_EQUAL(linux_event_signal(fd, 1), -EAGAIN);
  CHECK_EQUAL(cuio_wait(-1, fd, 0, false), CUIO_WAIT_WOKEN);
  CHECK_EQUAL(linux_event_signal(fd, UINT64_MAX), -EINVAL);
  close(fd);
  CHECK_EQUAL(linux_event_signal(fd, 1), -EBADF);
  CHECK_EQUAL(linux_event_drain(fd), -EBADF);
}

TEST(wake_goes_out_at_once_below_device_level) {
  int fd = linux_event_create();
  for (int32_t level = 0; level < 3; level++) {
    CHECK_EQUAL(cuio_thread_set_level(level), level == 0 ? 0 : level - 1);
    CHECK_EQUAL(cuio_thread_level(), level);
    cuio_thread_wake(fd);
    CHECK_EQUAL(linux_event_drain(fd), 0);
  }
  CHECK_EQUAL(cuio_thread_set_level(0), 2);
  close(fd);
}

TEST(wake_at_device_level_waits_until_the_lock_is_left) {
  int fd = linux_event_create(), other = linux_event_create(), third = linux_event_create();
  cuio_thread_set_level(3);
  cuio_thread_wake(fd);
  cuio_thread_wake(fd);
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  cuio_thread_wake(other);
  CHECK_EQUAL(linux_event_drain(other), -EAGAIN);
  // A third descriptor goes out at once and displaces neither.
  cuio_thread_wake(third);
  CHECK_EQUAL(linux_event_drain(third), 0);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  cuio_thread_set_level(0);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(other), 0);
  uint64_t sum = 0;
  CHECK_EQUAL(read(fd, &sum, sizeof sum), sizeof sum);
  CHECK_EQUAL(sum, 1);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(fd), -EAGAIN);
  close(fd);
  close(other);
  close(third);
}

TEST(bell_at_device_level_is_asked_when_the_lock_is_left) {
  cuio_bell bell = {.fd = linux_event_create()};
  cuio_bell_ring(&bell);
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  cuio_thread_set_level(3);
  cuio_bell_ring(&bell);
  // The sleeper's flag is looked at when the lock is left, not before.
  cuio_bell_sleep(&bell);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  cuio_thread_set_level(0);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(bell.fd), 0);
  CHECK_EQUAL(bell.asleep, 0);
  cuio_bell_sleep(&bell);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  close(bell.fd);
}

TEST(bell_for_which_there_is_no_room_is_asked_at_once) {
  int fd = linux_event_create(), other = linux_event_create();
  cuio_bell bell = {.fd = linux_event_create()}, second = {.fd = linux_event_create()};
  cuio_bell_sleep(&bell);
  cuio_bell_sleep(&second);
  cuio_thread_set_level(3);
  cuio_thread_wake(fd);
  cuio_bell_ring(&bell);
  cuio_bell_ring(&second);
  CHECK_EQUAL(linux_event_drain(bell.fd), -EAGAIN);
  CHECK_EQUAL(linux_event_drain(second.fd), 0);
  cuio_thread_set_level(0);
  cuio_thread_left_lock();
  CHECK_EQUAL(linux_event_drain(fd), 0);
  CHECK_EQUAL(linux_event_drain(bell.fd), 0);
  cuio_bell_sleep(&bell);
  cuio_thread_set_level(3);
  cuio_thread_wake(fd);
  cuio_thread_wake(other);
  cuio_bell_ring(&bell);
  CHECK_EQUAL(linux_event_drain(bell.fd), 0);
  cuio_thread_set_level(0);
  cuio_thread_left_lock();
  CHECK(linux_event_drain(fd) == 0 && linux_event_drain(other) == 0);
  close(fd);
  close(other);
  close(bell.fd);
  close(second.fd);
}

TEST(wake_pair_wakes_the_other_end_however_it_is_left) {
  int ends[2];
  CHECK_EQUAL(linux_wake_pair_create(ends), 0);
  CHECK_EQUAL(linux_wake_pair_drain(ends[1]), -EAGAIN);
  CHECK_EQUAL(linux_wake_pair_signal(ends[0]), 0);
  CHECK_EQUAL(linux_wake_pair_signal(ends[0]), 0);
  CHECK_EQUAL(cuio_wait(ends[1], -1, 0, false), CUIO_WAIT_READABLE);
  CHECK_EQUAL(linux_wake_pair_drain(ends[1]), 0);
  CHECK_EQUAL(cuio_wait(ends[1], -1, 0, false), CUIO_WAIT_TIMEOUT);
  // A reader that makes its end blocking and reads nothing stops no writer.
  CHECK_EQUAL(fcntl(ends[1], F_SETFL, 0), 0);
  CHECK(fcntl(ends[0], F_GETFL) & O_NONBLOCK);
  int result = 0;
  for (int i = 0; i < 100000 && result == 0; i++) result = linux_wake_pair_signal(ends[0]);
  CHECK_EQUAL(result, -EAGAIN);
  // What it would send, a descriptor with it, does not arrive.
  CHECK(send(ends[1], "x", 1, MSG_NOSIGNAL) == -1 && errno == EPIPE);
  // SIGPIPE would end the tests.
  close(ends[1]);
  CHECK_EQUAL(linux_wake_pair_signal(ends[0]), -EPIPE);
  close(ends[0]);
}

TEST(ticks_do_not_run_backwards) {
  uint64_t last = linux_ticks();
  for (int i = 0; i < 100000; i++) {
    uint64_t now = linux_ticks();
    if (!CHECK(now >= last)) break;
    last = now;
  }
}

static void busy(uint64_t nanoseconds) {
  uint64_t start = linux_nanoseconds();
  while (linux_nanoseconds() - start < nanoseconds) continue;
}

/// Whether 30 ms measure as 30 ms. Several tries: the process may be preempted between two readings.
static bool measures_time(void) {
  for (int i = 0; i < 20; i++) {
    uint64_t ns = linux_nanoseconds(), ticks = linux_ticks();
    busy(30000000);
    uint64_t passed_ticks = linux_ticks() - ticks, passed_ns = linux_nanoseconds() - ns;
    double ratio = (double)linux_ticks_to_nanoseconds(passed_ticks) / (double)passed_ns;
    if (ratio > 0.95 && ratio < 1.05) return true;
  }
  return false;
}

TEST(ticks_convert_to_nanoseconds_within_five_percent) { CHECK(measures_time()); }

TEST(ticks_without_a_processor_counter_are_nanoseconds) {
#if defined(__x86_64__)
  bool before = linux_clock_has_counter;
  linux_clock_has_counter = false;
  uint64_t early = linux_nanoseconds(), ticks = linux_ticks(), late = linux_nanoseconds();
  CHECK(early <= ticks && ticks <= late);
  CHECK_EQUAL(linux_ticks_to_nanoseconds(1234567), 1234567);
  CHECK_EQUAL(linux_nanoseconds_to_ticks(1234567), 1234567);
  CHECK(measures_time());
  linux_clock_has_counter = before;
#else
  CHECK(linux_clock_has_counter);
#endif
}

TEST(conversions_are_inverse_and_never_wrap) {
  for (uint64_t ns = 1000; ns < 1000000000000; ns *= 10) {
    double back = (double)linux_ticks_to_nanoseconds(linux_nanoseconds_to_ticks(ns));
    CHECK(back > 0.9 * (double)ns - 100 && back < 1.1 * (double)ns + 100);
  }
  CHECK_EQUAL(linux_ticks_to_nanoseconds(0), 0);
  CHECK_EQUAL(linux_nanoseconds_to_ticks(0), 0);
  // One of the two directions leaves 64 bits, whichever side of 1 GHz the counter runs on.
  CHECK(linux_ticks_to_nanoseconds(UINT64_MAX) > UINT64_MAX / 1000);
  CHECK(linux_nanoseconds_to_ticks(UINT64_MAX) > UINT64_MAX / 1000);
}

TEST(counter_adds_sets_and_keeps_the_larger) {
  uint64_t counter = 0;
  cuio_counter_add(&counter, 3);
  cuio_counter_add(&counter, 4);
  CHECK_EQUAL(cuio_counter_read(&counter), 7);
  cuio_counter_raise(&counter, 5);
  CHECK_EQUAL(cuio_counter_read(&counter), 7);
  cuio_counter_raise(&counter, 9);
  CHECK_EQUAL(cuio_counter_read(&counter), 9);
  cuio_counter_set(&counter, 1);
  CHECK_EQUAL(cuio_counter_read(&counter), 1);
}

typedef struct {
  uint64_t plain, counter;
  uint32_t flag;
} published;

static void *publish(void *context) {
  published *p = context;
  p->plain = 42;
  for (int i = 0; i < 1000; i++) cuio_counter_add(&p->counter, 1);
  cuio_flag_raise(&p->flag);
  return NULL;
}

TEST(flag_publishes_what_was_written_before_it) {
  published p = {0};
  pthread_t thread;
  CHECK(!cuio_flag_is_up(&p.flag));
  CHECK_EQUAL(linux_thread_create(&thread, 0, publish, &p), 0);
  CHECK_SOON(cuio_flag_is_up(&p.flag));
  CHECK_EQUAL(p.plain, 42);
  CHECK_EQUAL(cuio_counter_read(&p.counter), 1000);
  linux_thread_join(thread);
}

static int32_t add(void *object, void *context) {
  *(int *)object += *(int *)context;
  return -3;
}

TEST(call_hands_over_object_context_and_result) {
  int object = 5, context = 6;
  CHECK_EQUAL(cuio_call(add, &object, &context), -3);
  CHECK_EQUAL(object, 11);
}
