// Histograms: every time is in its bucket, the buckets are as narrow as they say, waits are recorded, and a reader beside
// the writer sees no torn value.
#include "check.h"

#include "CUIO.h"

#include <pthread.h>
#include <sched.h>

static uint32_t bucket_of(uint64_t ticks) {
  cuio_histogram histogram = {0};
  cuio_histogram_add(&histogram, ticks);
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++)
    if (cuio_histogram_count(&histogram, i) == 1) return i;
  return CUIO_HISTOGRAM_BUCKETS;
}

TEST(histogram_has_each_time_in_its_bucket) {
  for (unsigned shift = 0; shift < 52; shift++)
    for (int64_t beside = -9; beside <= 9; beside++) {
      int64_t ticks = ((int64_t)1 << shift) + beside;
      if (ticks < 0) continue;
      uint32_t bucket = bucket_of((uint64_t)ticks);
      CHECK(cuio_histogram_start(bucket) <= (uint64_t)ticks);
      CHECK(cuio_histogram_start(bucket + 1) > (uint64_t)ticks);
    }
}

TEST(histogram_buckets_follow_one_another_and_are_at_most_two_fifteenths_wide) {
  CHECK_EQUAL(cuio_histogram_start(0), 0);
  // The last eight are for the lengths that a clock that went backwards makes.
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS - CUIO_HISTOGRAM_STEPS; i++) {
    uint64_t start = cuio_histogram_start(i), end = cuio_histogram_start(i + 1);
    CHECK(start <= end);
    // One tick, or so wide.
    CHECK(end - start <= 1 || (double)(end - start) <= (double)start * 2 / 15 * 1.000001);
  }
  CHECK_EQUAL(cuio_histogram_start(CUIO_HISTOGRAM_BUCKETS), UINT64_MAX);
}

// Whatever two clocks make of it, it is counted once and no other memory is written.
TEST(histogram_takes_every_difference) {
  const uint64_t odd[] = {UINT64_MAX, UINT64_MAX - 1, (uint64_t)-50, (uint64_t)INT64_MAX, (uint64_t)INT64_MAX + 1,
                          (uint64_t)1 << 53, ((uint64_t)1 << 53) + 1, ((uint64_t)1 << 62) - 1};
  for (unsigned i = 0; i < sizeof odd / sizeof *odd; i++) CHECK(bucket_of(odd[i]) < CUIO_HISTOGRAM_BUCKETS);
  cuio_histogram histogram = {0};
  CHECK_EQUAL(cuio_histogram_count(&histogram, CUIO_HISTOGRAM_BUCKETS), 0);
}

TEST(histogram_adds_up_and_is_cleared) {
  cuio_histogram histogram = {0};
  for (uint64_t ticks = 0; ticks < 1000; ticks++) cuio_histogram_add(&histogram, ticks);
  uint64_t count = 0;
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++) count += cuio_histogram_count(&histogram, i);
  CHECK_EQUAL(count, 1000);
  CHECK_EQUAL(histogram.sum, 999 * 1000 / 2);
  cuio_histogram_clear(&histogram);
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++) CHECK_EQUAL(cuio_histogram_count(&histogram, i), 0);
  CHECK_EQUAL(histogram.sum, 0);
}

TEST(histograms_of_a_dispatch_have_its_service_and_the_interval_from_the_one_before) {
  cuio_histograms times = {0};
  cuio_histograms_record(&times, 1000, 1100);
  CHECK_EQUAL(times.service.sum, 100);
  CHECK_EQUAL(times.interval.sum, 0);
  cuio_histograms_record(&times, 5000, 5300);
  CHECK_EQUAL(times.service.sum, 400);
  CHECK_EQUAL(times.interval.sum, 4000);
  CHECK_EQUAL(times.latency.sum, 0);
}

static uint64_t latencies(const cuio_histograms *times) {
  uint64_t count = 0;
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++) count += cuio_histogram_count(&times->latency, i);
  return count;
}

TEST(histograms_have_the_latency_from_the_lines_cause_or_from_what_a_routine_says) {
  uint64_t cause = 0;
  cuio_histograms times = {.cause = &cause};
  uint64_t start = linux_ticks();
  cuio_histograms_record(&times, start, start + 1);
  CHECK_EQUAL(latencies(&times), 0);
  // Ten milliseconds ago.
  cause = linux_nanoseconds() - 10000000;
  start = linux_ticks();
  cuio_histograms_record(&times, start, start + 1);
  CHECK_EQUAL(latencies(&times), 1);
  uint64_t first = linux_ticks_to_nanoseconds(times.latency.sum);
  CHECK(first >= 9900000 && first < 1000000000);
  // The routine knows better, for this dispatch alone.
  cuio_histograms_note_cause(&times, linux_nanoseconds() - 2000000000);
  start = linux_ticks();
  cuio_histograms_record(&times, start, start + 1);
  CHECK(linux_ticks_to_nanoseconds(times.latency.sum) - first >= 1990000000);
  CHECK_EQUAL(times.noted, 0);
  // A cause after the start is none before it.
  cause = linux_nanoseconds() + 1000000000;
  uint64_t sum = times.latency.sum;
  cuio_histograms_record(&times, start, start + 1);
  CHECK_EQUAL(times.latency.sum, sum);
  CHECK_EQUAL(latencies(&times), 3);
}

TEST(histograms_without_a_cause_have_latencies_only_where_a_routine_speaks) {
  cuio_histograms times = {0};
  uint64_t start = linux_ticks();
  cuio_histograms_note_cause(&times, linux_nanoseconds() - 1000);
  cuio_histograms_record(&times, start, start + 1);
  cuio_histograms_record(&times, start, start + 1);
  CHECK_EQUAL(latencies(&times), 1);
}

static void *take(void *context) {
  cuio_lock *lock = context;
  if (cuio_lock_acquire(lock) == 0) cuio_lock_release(lock);
  return NULL;
}

TEST(lock_records_waits_by_their_length_once_it_is_asked_to) {
  static cuio_histogram waits, others;
  static cuio_listed_lock listed;
  cuio_lock_enlist(&listed);
  CHECK(cuio_lock_waits(&listed.lock) == NULL);
  CHECK(cuio_lock_keep_waits(&listed.lock, &waits));
  CHECK(!cuio_lock_keep_waits(&listed.lock, &others));
  CHECK(cuio_lock_waits(&listed.lock) == &waits);
  // Found free: not a wait.
  CHECK_EQUAL(cuio_lock_acquire(&listed.lock), 0);
  CHECK_EQUAL(waits.sum, 0);
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, take, &listed.lock), 0);
  // The kernel's bit says that the thread waits.
  while (!(__atomic_load_n(&listed.lock.word, __ATOMIC_RELAXED) & 0x80000000u)) sched_yield();
  CHECK_EQUAL(cuio_lock_release(&listed.lock), 0);
  CHECK_EQUAL(linux_thread_join(thread), 0);
  uint64_t count = 0;
  for (uint32_t i = 0; i < CUIO_HISTOGRAM_BUCKETS; i++) count += cuio_histogram_count(&waits, i);
  CHECK_EQUAL(count, 1);
  CHECK_EQUAL(waits.sum, listed.lock.longest_wait);
  // The lock begins anew, and its histogram with it.
  cuio_lock_reset(&listed.lock);
  CHECK_EQUAL(waits.sum, 0);
  CHECK(cuio_lock_waits(&listed.lock) == &waits);
}

enum { RECORDS = 200000 };

static void *record(void *context) {
  cuio_histograms *times = context;
  for (uint64_t i = 1; i <= RECORDS; i++) cuio_histograms_record(times, 100 * i, 100 * i + 10);
  return NULL;
}

TEST(histograms_are_read_while_they_are_written) {
  static cuio_histograms times;
  pthread_t thread;
  CHECK_EQUAL(linux_thread_create(&thread, 0, record, &times), 0);
  uint32_t bucket = bucket_of(10);
  uint64_t before = 0, now;
  do {
    now = cuio_histogram_count(&times.service, bucket);
    CHECK(now >= before && now <= RECORDS);
    before = now;
  } while (now < RECORDS);
  CHECK_EQUAL(linux_thread_join(thread), 0);
  CHECK_EQUAL(cuio_histogram_count(&times.interval, bucket_of(100)), RECORDS - 1);
}

TEST(followers_are_told_apart) {
  uint8_t followers = 0;
  CHECK(!cuio_followers_exist(&followers));
  cuio_followers_add(&followers, CUIO_FOLLOWERS_RECORDS);
  cuio_followers_add(&followers, CUIO_FOLLOWERS_TIMES);
  CHECK(cuio_followers_exist(&followers));
  CHECK_EQUAL(followers, CUIO_FOLLOWERS_RECORDS | CUIO_FOLLOWERS_TIMES);
  cuio_followers_remove(&followers, CUIO_FOLLOWERS_RECORDS);
  CHECK(cuio_followers_exist(&followers));
  CHECK_EQUAL(followers, CUIO_FOLLOWERS_TIMES);
  cuio_followers_remove(&followers, CUIO_FOLLOWERS_TIMES);
  CHECK(!cuio_followers_exist(&followers));
}
