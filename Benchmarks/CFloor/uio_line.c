#define _GNU_SOURCE
#include "uio_line.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { COMMAND = 4, INTERRUPT_DISABLE = 0x400 };

int uio_line_open(probe_line *line, const char *node, const char *config) {
  *line = (probe_line){.kind = PROBE_UIO, .config_fd = -1};
  line->read_fd = line->write_fd = open(node, O_RDWR | O_CLOEXEC);
  if (line->read_fd < 0) return -errno;
  if (!config) return 0;
  uint16_t raw;
  line->config_fd = open(config, O_RDWR | O_CLOEXEC);
  if (line->config_fd >= 0 && pread(line->config_fd, &raw, sizeof raw, COMMAND) == (ssize_t)sizeof raw) {
    line->command = (uint16_t)(le16toh(raw) & ~INTERRUPT_DISABLE);
    return 0;
  }
  int error = errno;
  uio_line_close(line);
  return -error;
}

void uio_line_close(probe_line *line) {
  close(line->read_fd);
  if (line->config_fd >= 0) close(line->config_fd);
}

static int write_line(probe_line *line, uint16_t command, int32_t value) {
  uint16_t raw = htole16(command);
  ssize_t length = line->config_fd >= 0 ? pwrite(line->config_fd, &raw, sizeof raw, COMMAND)
                                        : write(line->write_fd, &value, sizeof value);
  return length > 0 ? 0 : -errno;
}

int uio_line_rearm(probe_line *line) { return write_line(line, line->command, 1); }
void uio_line_mask(probe_line *line) { write_line(line, line->command | INTERRUPT_DISABLE, 0); }

volatile uint32_t *uio_registers(const char *path, size_t length) {
  int fd = open(path, O_RDWR | O_CLOEXEC);
  void *mapped = fd < 0 ? MAP_FAILED : mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (fd >= 0) close(fd);
  return mapped == MAP_FAILED ? NULL : mapped;
}

void uio_registers_close(volatile uint32_t *registers, size_t length) { munmap((void *)registers, length); }

enum { EDU_STATUS = 0x24 / 4, EDU_ACKNOWLEDGE = 0x64 / 4, EDU_LAST = 2 };

int32_t edu_serve(void *object, void *context) {
  (void)object;
  probe *p = context;
  uint64_t now = probe_now(), calls = __atomic_load_n(&p->calls, __ATOMIC_RELAXED) + 1;
  uint32_t status = p->registers[EDU_STATUS];
  if (status == 0) return -1;
  p->registers[EDU_ACKNOWLEDGE] = status;
  __atomic_store_n(&p->causes, p->causes | status, __ATOMIC_RELEASE);
  __atomic_store_n(&p->received, now, __ATOMIC_RELAXED);
  __atomic_store_n(&p->calls, calls, __ATOMIC_RELEASE);
  return 0;
}

uint64_t edu_burst(volatile uint32_t *registers, probe *p, uint64_t shots) {
  __atomic_store_n(&p->causes, 0, __ATOMIC_SEQ_CST);
  uint64_t start = probe_now();
  for (uint64_t shot = 1; shot < shots; shot++) registers[EDU_RAISE / 4] = 1;
  registers[EDU_RAISE / 4] = EDU_LAST;
  uint64_t limit = probe_now() + 10000000000u;
  while (!(__atomic_load_n(&p->causes, __ATOMIC_ACQUIRE) & EDU_LAST))
    if (probe_now() > limit) return 0;
  return probe_now() - start;
}

void edu_chain_start(edu_chain *chain, uint64_t count) {
  __atomic_store_n(&chain->ended, 0, __ATOMIC_RELAXED);
  __atomic_store_n(&chain->left, count - 1, __ATOMIC_RELEASE);
  chain->registers[EDU_RAISE / 4] = 1;
}

uint64_t edu_chain_end(const edu_chain *chain) { return __atomic_load_n(&chain->ended, __ATOMIC_ACQUIRE); }

int32_t edu_chain_serve(void *object, void *context) {
  (void)object;
  edu_chain *chain = context;
  uint32_t status = chain->registers[EDU_STATUS];
  if (status == 0) return -1;
  chain->registers[EDU_ACKNOWLEDGE] = status;
  uint64_t left = __atomic_load_n(&chain->left, __ATOMIC_ACQUIRE);
  if (left == 0) {
    __atomic_store_n(&chain->ended, probe_now(), __ATOMIC_RELEASE);
  } else {
    __atomic_store_n(&chain->left, left - 1, __ATOMIC_RELAXED);
    chain->registers[EDU_RAISE / 4] = 1;
  }
  return 0;
}

// IA-PC HPET specification 1.0a, section 2.3.
enum {
  PERIOD = 0x04 / 4,
  GENERAL = 0x10 / 4,
  STATUS = 0x20 / 4,
  COUNTER = 0xf0 / 4,
  CONFIGURATION = 0x120 / 4,
  COMPARATOR = 0x128 / 4,
  TIMER_1 = 1 << 1,
};
// Upper half of a comparator that is not reached for a year; one that is ahead by 2^63 has passed to QEMU.
#define FAR 0x00100000u
enum { LEVEL = 1 << 1, ENABLED = 1 << 2, PERIODIC = 1 << 3, NARROW = 1 << 8, ROUTE = 0x1f << 9, MESSAGES = 1 << 14 };

uint32_t hpet_period(volatile const uint32_t *registers) { return registers[PERIOD]; }

// In halves, as QEMU takes them.
static uint64_t counter(volatile const uint32_t *registers) {
  for (;;) {
    uint32_t high = registers[COUNTER + 1], low = registers[COUNTER];
    if (registers[COUNTER + 1] == high) return (uint64_t)high << 32 | low;
  }
}

static void shoot(hpet_timer *t) {
  uint32_t before = (uint32_t)(t->due >> 32);
  t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
  t->due = counter(t->registers) + t->shortest + (t->seed >> 33) % (t->longest - t->shortest + 1);
  uint32_t high = (uint32_t)(t->due >> 32);
  // Half written, a match must not lie in the past: it would come at once.
  if (high != before) t->registers[COMPARATOR + 1] = FAR;
  t->registers[COMPARATOR] = (uint32_t)t->due;
  if (high != before) t->registers[COMPARATOR + 1] = high;
}

void hpet_start(hpet_timer *t, uint64_t shots, uint32_t pin) {
  hpet_stop(t);
  t->registers[GENERAL] |= 1;
  t->taken = 0;
  __atomic_store_n(&t->left, shots, __ATOMIC_SEQ_CST);
  uint32_t others = t->registers[CONFIGURATION] & ~(uint32_t)(ROUTE | PERIODIC | NARROW | MESSAGES);
  t->registers[COMPARATOR + 1] = FAR;
  t->due = (uint64_t)FAR << 32;
  t->registers[CONFIGURATION] = others | pin << 9 | ENABLED | LEVEL;
  shoot(t);
}

void hpet_stop(hpet_timer *t) {
  t->registers[CONFIGURATION] &= ~(uint32_t)ENABLED;
  t->registers[STATUS] = TIMER_1;
}

int hpet_is_done(const hpet_timer *t) { return __atomic_load_n(&t->left, __ATOMIC_ACQUIRE) == 0; }

int32_t hpet_serve(void *object, void *context) {
  (void)object;
  hpet_timer *t = context;
  uint32_t now = t->registers[COUNTER];
  if (t->left == 0 || !(t->registers[STATUS] & TIMER_1)) return -1;
  // A shot is far less than what the lower half counts.
  t->samples[t->taken++] = now - (uint32_t)t->due;
  t->registers[STATUS] = TIMER_1;
  if (t->left > 1) shoot(t);
  __atomic_store_n(&t->left, t->left - 1, __ATOMIC_RELEASE);
  return 0;
}
