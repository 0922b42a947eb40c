// Memory of the machine for an edu behind UIO, from C: its engine moves bytes out of one buffer and into another one, and
// each end is an interrupt. The other subcommands expect a refusal: without CAP_SYS_ADMIN (`hidden`), beyond the limit of
// locked memory (`limited`), in a sandbox without io_uring (`sandboxed`), without free huge pages (`exhausted`), and
// behind an IOMMU that translates (`translated`). The program says what it saw and ends with 0 if that is right.
#define _GNU_SOURCE
#include <interruptsync.h>

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <semaphore.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>

enum { STATUS = 0x24, ACKNOWLEDGE = 0x64, SOURCE = 0x80, TARGET = 0x88, LENGTH = 0x90, COMMAND = 0x98 };
// The edu's own memory, from the engine's side. An engine that ends exactly at its end is QEMU's end, too.
enum { INSIDE = 0x40000, BYTES = 4000, ROUNDS = 20 };

static interruptsync_device *device;
static interruptsync_region *registers;
static sem_t served;

static void check(bool holds, const char *what, int line) {
  if (holds) return;
  printf("line %d: not so: %s (%s)\n", line, what, interruptsync_last_error());
  exit(1);
}
#define CHECK(condition) check(condition, #condition, __LINE__)

static int32_t acknowledge(interruptsync_object *object, void *context) {
  uint32_t status = 0;
  (void)object, (void)context;
  if (interruptsync_read32(registers, STATUS, &status) != 0 || status == 0) return INTERRUPTSYNC_NOT_MINE;
  interruptsync_write32(registers, ACKNOWLEDGE, status);
  sem_post(&served);
  return INTERRUPTSYNC_CLAIMED;
}

// Has the engine move bytes, and waits for its interrupt.
static void move(uint64_t source, uint64_t target) {
  struct timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_sec += 60;
  CHECK(interruptsync_write64(registers, SOURCE, source) == 0);
  CHECK(interruptsync_write64(registers, TARGET, target) == 0);
  CHECK(interruptsync_write64(registers, LENGTH, BYTES) == 0);
  CHECK(interruptsync_write64(registers, COMMAND, 1 | 4 | (source == INSIDE ? 2 : 0)) == 0);
  CHECK(sem_timedwait(&served, &end) == 0);
}

static interruptsync_dma *allocated(uint64_t alignment, uint32_t direction, interruptsync_dma_info *info) {
  interruptsync_dma *buffer = NULL;
  *info = (interruptsync_dma_info)INTERRUPTSYNC_STRUCT(interruptsync_dma_info);
  CHECK(interruptsync_device_allocate(device, BYTES, alignment, direction, 0xffffffff, &buffer) == 0);
  CHECK(interruptsync_dma_get_info(buffer, info) == 0);
  CHECK(info->length == BYTES && info->direction == direction && info->device_address <= 0xffffffff - BYTES);
  CHECK(alignment == 0 || info->device_address % alignment == 0);
  return buffer;
}

static int engine(void) {
  interruptsync_line *line = NULL;
  interruptsync_object *object = NULL;
  interruptsync_dma_info from, to;
  sem_init(&served, 0, 0);
  CHECK(interruptsync_region_bar(device, 0, &registers) == 0);
  CHECK(interruptsync_write32(registers, ACKNOWLEDGE, 0xffffffff) == 0);
  CHECK(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_AUTOMATIC, &line) == 0);
  CHECK(interruptsync_line_set_bus_master(line, true) == 0);
  CHECK(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object) == 0);
  CHECK(interruptsync_object_register(object, acknowledge, NULL, 0, NULL) == 0);
  CHECK(interruptsync_object_connect(object) == 0);
  interruptsync_dma *out = allocated(0, INTERRUPTSYNC_DMA_TO_DEVICE, &from);
  interruptsync_dma *in = allocated(65536, INTERRUPTSYNC_DMA_FROM_DEVICE, &to);
  uint8_t *source = (uint8_t *)from.address, *target = (uint8_t *)to.address;
  for (int round = 1; round <= ROUNDS; round++) {
    for (int i = 0; i < BYTES; i++) source[i] = (uint8_t)(i * round + round);
    CHECK(interruptsync_dma_sync_for_device(out) == 0);
    move(from.device_address, INSIDE);
    move(INSIDE, to.device_address);
    CHECK(interruptsync_dma_sync_for_program(in) == 0);
    CHECK(memcmp(source, target, BYTES) == 0);
  }
  CHECK(interruptsync_line_set_bus_master(line, false) == 0);
  CHECK(interruptsync_object_disconnect(object) == 0);
  interruptsync_release(object);
  interruptsync_release(line);
  interruptsync_release(registers);
  // The buffers keep their memory without the device.
  CHECK(interruptsync_release(device) == 0);
  CHECK(source[1] == target[1] && target[1] == 2 * ROUNDS);
  interruptsync_release(out);
  interruptsync_release(in);
  printf("the engine moved the bytes %d times\n", ROUNDS);
  return 0;
}

static int refused(int number, const char *words) {
  interruptsync_dma *none = NULL;
  // Twice: a refusal leaves nothing that helps or hinders the next one.
  for (int i = 0; i < 2; i++) {
    int result = interruptsync_device_allocate(device, BYTES, 0, INTERRUPTSYNC_DMA_BOTH, 0, &none);
    if (result != -number || strstr(interruptsync_last_error(), words) == NULL || none != NULL) {
      printf("%d instead of %d and \"%s\": %s\n", result, -number, words, interruptsync_last_error());
      return 1;
    }
  }
  printf("refused: %s\n", interruptsync_last_error());
  return 0;
}

// As systemd and containers do it: the call is not permitted.
static void forbid_io_uring(void) {
  struct sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_io_uring_setup, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog program = {.len = sizeof filter / sizeof *filter, .filter = filter};
  CHECK(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0);
}

int main(int count, char **arguments) {
  if (count < 3) return 2;
  CHECK(interruptsync_device_open(arguments[2], &device) == 0);
  if (strcmp(arguments[1], "engine") == 0) return engine();
  if (strcmp(arguments[1], "hidden") == 0) return refused(EACCES, "CAP_SYS_ADMIN");
  if (strcmp(arguments[1], "limited") == 0) return refused(ENOMEM, "LimitMEMLOCK=");
  if (strcmp(arguments[1], "exhausted") == 0) return refused(ENOMEM, "nr_hugepages");
  if (strcmp(arguments[1], "translated") == 0) return refused(EOPNOTSUPP, "--driver vfio-pci");
  if (strcmp(arguments[1], "sandboxed") != 0) return 2;
  forbid_io_uring();
  return refused(EACCES, "io_uring_setup");
}
