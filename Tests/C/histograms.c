// Times by their length, from C.
#include "check.h"

#include <time.h>

static interruptsync_line *line;
static interruptsync_object *object;

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// Its context is how long ago the cause was, in nanoseconds; 0 says nothing.
static int32_t claim(interruptsync_object *self, void *context) {
  const uint64_t ago = *(const uint64_t *)context;
  if (ago != 0 && interruptsync_object_note_cause(self, now() - ago) != 0) return -1;
  return 0;
}

static interruptsync_histogram asked(uint32_t time, uint32_t period) {
  interruptsync_histogram histogram = INTERRUPTSYNC_STRUCT(interruptsync_histogram);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, time, period, &histogram, NULL, 0), 0);
  return histogram;
}

// One dispatch after the other, until their times are in.
static void dispatch(uint64_t count) {
  uint64_t before = asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_START).count;
  for (uint64_t i = 1; i <= count; i++) {
    CHECK_EQUAL(interruptsync_line_trigger(line, 1), 0);
    CHECK_SOON(asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_START).count == before + i);
  }
}

static void begin(uint64_t *ago) {
  CHECK_EQUAL(interruptsync_line_software("timed", &line), 0);
  CHECK_EQUAL(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object), 0);
  CHECK_EQUAL(interruptsync_object_register(object, claim, ago, 0, NULL), 0);
}

static void end(void) {
  CHECK_EQUAL(interruptsync_object_disconnect(object), 0);
  interruptsync_release(object);
  interruptsync_release(line);
}

TEST(histograms_are_kept_once_they_are_asked_for) {
  uint64_t ago = 0;
  begin(&ago);
  interruptsync_histogram histogram = INTERRUPTSYNC_STRUCT(interruptsync_histogram);
  CHECK_FAILS(interruptsync_object_get_histogram(object, INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_START,
                                                 &histogram, NULL, 0), ENODATA, "keep_histograms");
  CHECK_EQUAL(interruptsync_object_reset_histograms(object), -ENODATA);
  CHECK_EQUAL(interruptsync_object_turn_histogram_window(object), -ENODATA);
  CHECK_EQUAL(interruptsync_object_keep_histograms(object), 0);
  CHECK_EQUAL(interruptsync_object_keep_histograms(object), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  dispatch(20);
  interruptsync_histogram_bucket buckets[INTERRUPTSYNC_HISTOGRAM_BUCKETS];
  CHECK_EQUAL(interruptsync_object_get_histogram(object, INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_START,
                                                 &histogram, buckets, INTERRUPTSYNC_HISTOGRAM_BUCKETS), 0);
  CHECK_EQUAL(histogram.count, 20);
  CHECK(histogram.bucket_count >= 1 && histogram.bucket_count <= INTERRUPTSYNC_HISTOGRAM_BUCKETS);
  uint64_t count = 0, low = 0, high = 0;
  for (uint64_t i = 0; i < histogram.bucket_count; i++) {
    CHECK(buckets[i].lower < buckets[i].upper && buckets[i].count > 0);
    CHECK(i == 0 || buckets[i - 1].upper <= buckets[i].lower);
    count += buckets[i].count;
    low += buckets[i].lower * buckets[i].count;
    high += buckets[i].upper * buckets[i].count;
  }
  CHECK_EQUAL(count, 20);
  // The sum is exact; the buckets' ends are rounded.
  CHECK(low <= histogram.sum + 20 && histogram.sum <= high + 20);
  CHECK(histogram.p50 <= histogram.p90 && histogram.p90 <= histogram.p99 && histogram.p99 <= histogram.p999);
  CHECK(histogram.p50 > 0 && histogram.p999 <= histogram.longest);
  CHECK_EQUAL(histogram.longest, buckets[histogram.bucket_count - 1].upper);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_INTERVAL, INTERRUPTSYNC_SINCE_START).count, 19);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_WAIT, INTERRUPTSYNC_SINCE_START).count, 0);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_LATENCY, INTERRUPTSYNC_SINCE_START).p50, 0);
  end();
}

TEST(histograms_of_a_reset_and_of_a_window) {
  uint64_t ago = 0;
  begin(&ago);
  CHECK_EQUAL(interruptsync_object_keep_histograms(object), 0);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  dispatch(3);
  CHECK_EQUAL(interruptsync_object_reset_histograms(object), 0);
  CHECK_EQUAL(interruptsync_object_turn_histogram_window(object), 0);
  dispatch(2);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_START).count, 5);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_SINCE_RESET).count, 2);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_IN_WINDOW).count, 3);
  CHECK_EQUAL(interruptsync_object_turn_histogram_window(object), 0);
  CHECK_EQUAL(asked(INTERRUPTSYNC_TIME_SERVICE, INTERRUPTSYNC_IN_WINDOW).count, 2);
  end();
}

TEST(histograms_have_the_latency_that_a_routine_says) {
  uint64_t ago = 5000000;
  begin(&ago);
  CHECK_EQUAL(interruptsync_object_keep_histograms(object), 0);
  CHECK_EQUAL(interruptsync_object_note_cause(object, now()), -EPERM);
  CHECK_EQUAL(interruptsync_object_connect(object), 0);
  dispatch(2);
  interruptsync_histogram latency = asked(INTERRUPTSYNC_TIME_LATENCY, INTERRUPTSYNC_SINCE_START);
  CHECK_EQUAL(latency.count, 2);
  // The cause is counted up to the start of the dispatch, the routine from its own.
  CHECK(latency.p50 >= 4000000);
  end();
}

TEST(histograms_refuse_what_they_do_not_know) {
  uint64_t ago = 0;
  begin(&ago);
  CHECK_EQUAL(interruptsync_object_keep_histograms(object), 0);
  interruptsync_histogram histogram = INTERRUPTSYNC_STRUCT(interruptsync_histogram);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 0, 0, &histogram, NULL, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 5, 0, &histogram, NULL, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 1, 3, &histogram, NULL, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 1, 0, &histogram, NULL, 1), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 1, 0, NULL, NULL, 0), -EINVAL);
  histogram.size = 8;
  CHECK_EQUAL(interruptsync_object_get_histogram(object, 1, 0, &histogram, NULL, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_object_get_histogram(NULL, 1, 0, &histogram, NULL, 0), -EINVAL);
  CHECK_EQUAL(interruptsync_object_keep_histograms(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_reset_histograms(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_turn_histogram_window(NULL), -EINVAL);
  CHECK_EQUAL(interruptsync_object_note_cause(NULL, 0), -EINVAL);
  end();
}
