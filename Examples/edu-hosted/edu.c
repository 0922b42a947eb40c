// A driver that interruptsyncd runs: QEMU's educational device (docs/specs/edu in QEMU's manual). It services the
// interrupt, hands the status to subscribers, and after each computes the factorial of its argument on the card.
//
//     cc -shared -fPIC edu.c -o edu.so
//
//     [Match]
//     PCIDevice=1234:11e8
//
//     [Routine]
//     Driver=/usr/lib/interruptsync/drivers/edu.so
//     Argument=5
#include <interruptsync/driver.h>
#include <stdio.h>
#include <stdlib.h>

enum {
  IDENTIFICATION = 0x00,
  FACTORIAL = 0x08,
  STATUS = 0x20,
  STATUS_COMPUTING = 0x01,
  INTERRUPT_STATUS = 0x24,
  INTERRUPT_ACKNOWLEDGE = 0x64,
};

typedef struct edu {
  const interruptsync_host *host;
  interruptsync_host_region *registers;
  uint32_t argument;
  // Under the lock.
  uint64_t interrupts;
} edu;

static const char *const captures[] = {"status", "interrupts"};

// Under the lock: looks, silences, claims, and leaves the rest for later.
static int32_t service(void *context) {
  edu *card = context;
  const interruptsync_host *host = card->host;
  uint32_t status;
  if (host->read32(card->registers, INTERRUPT_STATUS, &status) != 0 || status == 0) return INTERRUPTSYNC_NOT_MINE;
  host->write32(card->registers, INTERRUPT_ACKNOWLEDGE, status);
  host->capture(host, 0, status);
  host->capture(host, 1, ++card->interrupts);
  host->defer(host);
  return INTERRUPTSYNC_CLAIMED;
}

// Under the lock as well: no transaction of a client's comes between the two registers.
static int32_t start_factorial(void *context) {
  edu *card = context;
  uint32_t status;
  int error = card->host->read32(card->registers, STATUS, &status);
  if (error != 0 || (status & STATUS_COMPUTING) != 0) return error;
  return card->host->write32(card->registers, FACTORIAL, card->argument);
}

// On a thread of the device's own, without the lock.
static void deferred(void *context) {
  edu *card = context;
  card->host->call(card->host, start_factorial, card, NULL);
}

static void stop(void *context) {
  edu *card = context;
  char text[64];
  snprintf(text, sizeof text, "%llu interrupts", (unsigned long long)card->interrupts);
  card->host->say(card->host, text);
  free(card);
}

int interruptsync_driver_start(const interruptsync_host *host, interruptsync_driver *driver) {
  uint32_t identification;
  edu *card = calloc(1, sizeof *card);
  if (card == NULL) return -ENOMEM;
  card->host = host;
  card->argument = host->argument_count > 0 ? (uint32_t)strtoul(host->arguments[0], NULL, 0) : 5;
  int error = host->region(host, "bar0", &card->registers, NULL);
  if (error == 0) error = host->read32(card->registers, IDENTIFICATION, &identification);
  if (error == 0 && (identification & 0xffff) != 0x00ed) {
    host->say(host, "this is not an edu");
    error = -ENODEV;
  }
  if (error != 0) {
    free(card);
    return error;
  }
  // Discards interrupts that were raised before.
  host->write32(card->registers, INTERRUPT_ACKNOWLEDGE, UINT32_MAX);
  driver->size = sizeof *driver;
  driver->context = card;
  driver->service = service;
  driver->deferred = deferred;
  driver->stop = stop;
  driver->captures = captures;
  driver->capture_count = 2;
  return 0;
}
