// A hosted driver for tests: its routine would see whoever acted on the card's liveness register (0x04: it reads as the
// complement of what was written) between two of its own accesses, and counts that.
#include <interruptsync/driver.h>
#include <stdlib.h>

typedef struct watcher {
  const interruptsync_host *host;
  interruptsync_host_region *registers;
  uint32_t next;
  uint64_t serviced, seen;
} watcher;

static const char *const captures[] = {"serviced", "seen"};

static int32_t service(void *context) {
  watcher *own = context;
  const interruptsync_host *host = own->host;
  uint32_t status, held;
  if (host->read32(own->registers, 0x24, &status) != 0 || status == 0) return INTERRUPTSYNC_NOT_MINE;
  for (int i = 0; i < 2; i++) {
    uint32_t value = 0xf0000000u | (own->next++ & 0xffffff);
    host->write32(own->registers, 0x04, value);
    if (host->read32(own->registers, 0x04, &held) == 0 && held != ~value) own->seen++;
  }
  host->write32(own->registers, 0x64, status);
  host->capture(host, 0, ++own->serviced);
  host->capture(host, 1, own->seen);
  return INTERRUPTSYNC_CLAIMED;
}

static void stop(void *context) { free(context); }

int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
  watcher *own = calloc(1, sizeof *own);
  if (own == NULL) return -ENOMEM;
  own->host = host;
  int error = host->region(host, "bar0", &own->registers, NULL);
  if (error != 0) {
    free(own);
    return error;
  }
  host->write32(own->registers, 0x64, UINT32_MAX);
  *driver = (interruptsync_driver){.size = sizeof *driver, .context = own, .service = service, .stop = stop,
                                   .captures = captures, .capture_count = 2};
  return 0;
}
