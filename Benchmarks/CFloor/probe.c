#define _GNU_SOURCE
#include "probe.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define SECOND 1000000000ull

uint64_t probe_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

int32_t probe_stamp(void *object, void *context) {
  (void)object;
  probe *p = context;
  uint64_t calls = __atomic_load_n(&p->calls, __ATOMIC_RELAXED) + 1;
  __atomic_store_n(&p->received, probe_now(), __ATOMIC_RELAXED);
  __atomic_store_n(&p->calls, calls, __ATOMIC_RELEASE);
  return 0;
}

int probe_line_open(probe_line *line, probe_kind kind, int inherited) {
  int flags = inherited ? 0 : O_CLOEXEC, ends[2];
  *line = (probe_line){.kind = kind};
  if (kind == PROBE_EVENT) {
    ends[0] = ends[1] = eventfd(0, EFD_NONBLOCK | (inherited ? 0 : EFD_CLOEXEC));
    if (ends[0] < 0) return -errno;
  } else if (pipe2(ends, flags) != 0 || fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0 ||
             fcntl(ends[1], F_SETFD, FD_CLOEXEC) != 0) {
    return -errno;
  }
  line->read_fd = ends[0];
  line->write_fd = ends[1];
  return 0;
}

void probe_line_close(probe_line *line) {
  close(line->read_fd);
  if (line->write_fd != line->read_fd) close(line->write_fd);
}

int probe_signal(probe_line *line) {
  uint64_t one = 1;
  if (line->kind == PROBE_UIO) {
    if (!line->raise) return -ENOTSUP;
    *line->raise = 1;
    return 0;
  }
  line->total++;
  if (line->kind == PROBE_EVENT) return write(line->write_fd, &one, sizeof one) == (ssize_t)sizeof one ? 0 : -errno;
  return write(line->write_fd, &line->total, sizeof line->total) == (ssize_t)sizeof line->total ? 0 : -errno;
}

probe *probe_attach(int count, int fd) {
  void *memory = mmap(NULL, (size_t)count * sizeof(probe), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  return memory == MAP_FAILED ? NULL : memory;
}

probe *probe_share(int count, int *fd) {
  *fd = memfd_create("probes", 0);
  if (*fd < 0 || ftruncate(*fd, (off_t)((size_t)count * sizeof(probe))) != 0) return NULL;
  return probe_attach(count, *fd);
}

static uint64_t random_next(uint64_t *seed) {
  *seed = *seed * 6364136223846793005u + 1442695040888963407u;
  return *seed >> 33;
}

static void pause_until(uint64_t end) {
  while (probe_now() < end) {
  }
}

// Returns when the probe was stamped after `calls` calls, or 0 after `limit`.
static uint64_t answered(probe *p, uint64_t calls, uint64_t limit) {
  for (uint32_t spins = 0; __atomic_load_n(&p->calls, __ATOMIC_ACQUIRE) == calls; spins++)
    if ((spins & 0xfff) == 0xfff && probe_now() > limit) return 0;
  return __atomic_load_n(&p->received, __ATOMIC_RELAXED);
}

int64_t probe_drive(probe_line *lines, probe *probes, int count, probe_pace pace, uint64_t *seed, uint64_t *samples) {
  int64_t lost = 0;
  for (uint64_t shot = 0; shot < pace.shots; shot++) {
    int turn = (int)(shot % (uint64_t)count);
    probe *p = &probes[turn];
    pause_until(probe_now() + pace.shortest + random_next(seed) % (pace.longest - pace.shortest + 1));
    uint64_t calls = __atomic_load_n(&p->calls, __ATOMIC_ACQUIRE);
    uint64_t sent = probe_now();
    int result = probe_signal(&lines[turn]);
    if (result != 0) return result;
    uint64_t received = answered(p, calls, sent + 5 * SECOND);
    samples[shot] = received == 0 ? 0 : received - sent;
    lost += received == 0;
    if (lost > 3) return lost + (int64_t)(pace.shots - shot - 1);
  }
  return lost;
}

uint64_t probe_burst(probe_line *line, probe *p, uint64_t shots) {
  uint64_t start = probe_now(), last = 0;
  for (uint64_t shot = 0; shot < shots; shot++) {
    if (shot == shots - 1) last = probe_now();
    if (probe_signal(line) != 0) return 0;
  }
  // A routine that began after the last signal has received all of them.
  for (uint64_t received = 0; received < last; received = __atomic_load_n(&p->received, __ATOMIC_RELAXED))
    if (probe_now() > last + 10 * SECOND) return 0;
  return probe_now() - start;
}
