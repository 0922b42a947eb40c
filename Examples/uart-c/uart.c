// The interrupt half of a driver for a card with four UARTs on one interrupt line (QEMU's pci-serial-4x, 1b36:0004).
//
//   cc uart.c $(pkg-config --cflags --libs interruptsync) -o uart
//   ./uart pci-0000:00:05.0
//
// Each UART is a 16550 with a service routine of its own. All four are put into loopback, send a pattern and take it in
// again, 16 bytes an interrupt; the program says what arrived. Registers are named as in the data sheet of the
// PC16550D (National Semiconductor, June 1995), sections as numbered there.
#include <interruptsync.h>

#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum {
  PORTS = 4,
  PORT_STRIDE = 8,  // BAR 0: four blocks of eight ports
  FIFO_DEPTH = 16,
  BYTES = 4096,  // to send on each port

  RBR = 0,  // receiver buffer (read), 8.0
  THR = 0,  // transmitter holding (write)
  DLL = 0,  // divisor latch, low and high, while LCR has DLAB, 8.3
  DLM = 1,
  IER = 1,  // interrupt enable, 8.7
  IIR = 2,  // interrupt identification (read), 8.6
  FCR = 2,  // FIFO control (write), 8.5
  LCR = 3,  // line control, 8.1
  MCR = 4,  // modem control, 8.8
  LSR = 5,  // line status, 8.4

  IER_ERBFI = 0x01,   // received data available
  IER_ETBEI = 0x02,   // transmitter holding register empty
  IIR_NONE = 0x01,    // no interrupt is pending
  FCR_ENABLE = 0x07,  // FIFOs on, both cleared; receiver interrupts at 1 byte
  LCR_8N1 = 0x03,
  LCR_DLAB = 0x80,
  MCR_OUT2 = 0x08,  // on a PC card OUT2 connects the interrupt
  MCR_LOOP = 0x10,  // transmitter feeds receiver, 8.8
  LSR_DR = 0x01,    // data ready
  LSR_OE = 0x02,    // overrun: a byte was lost
  LSR_THRE = 0x20,  // the transmitter's FIFO is empty
};

// One UART. Under the object's lock: only service and synchronized routines touch it while connected.
struct uart {
  interruptsync_region *registers;
  interruptsync_deferred *finished;
  uint64_t base;
  unsigned number, sent, received, wrong, overruns, interrupts;
  bool failed;
};

static uint8_t pattern(const struct uart *uart, unsigned position) {
  return (uint8_t)(position * 7 + position / 256 + uart->number * 64);
}

// Every access is checked: after an unplug they fail with -ENODEV, and the routines stop claiming.
static uint8_t in(struct uart *uart, unsigned reg) {
  uint8_t value = 0;
  if (interruptsync_read8(uart->registers, uart->base + reg, &value) != 0) uart->failed = true;
  return value;
}

static void out(struct uart *uart, unsigned reg, uint8_t value) {
  if (interruptsync_write8(uart->registers, uart->base + reg, value) != 0) uart->failed = true;
}

static void receive(struct uart *uart) {
  uint8_t status;
  while ((status = in(uart, LSR)) & LSR_DR && !uart->failed) {
    if (status & LSR_OE) uart->overruns++;
    if (in(uart, RBR) != pattern(uart, uart->received)) uart->wrong++;
    uart->received++;
  }
}

static void transmit(struct uart *uart) {
  if (!(in(uart, LSR) & LSR_THRE)) return;
  for (int i = 0; i < FIFO_DEPTH && uart->sent < BYTES; i++) out(uart, THR, pattern(uart, uart->sent++));
  // Nothing left: the transmitter may be empty from now on without interrupting.
  if (uart->sent == BYTES) out(uart, IER, IER_ERBFI);
}

// The service routine. Claims what IIR says is this UART's; the line stays asserted for the others, and mode normal is
// called again for them (P15).
static int32_t service(interruptsync_object *object, void *context) {
  (void)object;
  struct uart *uart = context;
  // Reading IIR also ends a transmitter interrupt (8.6).
  if (in(uart, IIR) & IIR_NONE || uart->failed) return INTERRUPTSYNC_NOT_MINE;
  uart->interrupts++;
  receive(uart);
  transmit(uart);
  if (uart->received == BYTES) interruptsync_deferred_enqueue(uart->finished, uart, NULL);
  return INTERRUPTSYNC_CLAIMED;
}

// Deferred: outside the lock, where posting a semaphore may take its time.
static void finish(void *context, void *uart, void *unused) {
  (void)uart;
  (void)unused;
  sem_post(context);
}

// Synchronized routine: 115200 baud, 8N1, FIFOs, loopback; then lets it interrupt.
static int32_t start(interruptsync_object *object, void *context) {
  (void)object;
  struct uart *uart = context;
  out(uart, LCR, LCR_DLAB);
  out(uart, DLL, 1);
  out(uart, DLM, 0);
  out(uart, LCR, LCR_8N1);
  out(uart, FCR, FCR_ENABLE);
  out(uart, MCR, MCR_LOOP | MCR_OUT2);
  out(uart, IER, IER_ERBFI | IER_ETBEI);
  return uart->failed ? -1 : 0;
}

// Synchronized routine: silent and in its reset state (table II).
static int32_t stop(interruptsync_object *object, void *context) {
  (void)object;
  out(context, IER, 0);
  out(context, MCR, 0);
  return 0;
}

#define TRY(call)                                                                                                      \
  do {                                                                                                                 \
    if ((call) < 0) {                                                                                                  \
      fprintf(stderr, "uart: %s\n", interruptsync_last_error());                                                       \
      return 1;                                                                                                        \
    }                                                                                                                  \
  } while (0)

int main(int count, char **arguments) {
  static struct uart uarts[PORTS];
  sem_t finished;
  sem_init(&finished, 0, 0);

  interruptsync_device *device;
  interruptsync_region *registers;
  interruptsync_line *line;
  interruptsync_object *object;
  interruptsync_queue *queue;
  TRY(interruptsync_device_open(count > 1 ? arguments[1] : "pci-0000:00:05.0", &device));
  TRY(interruptsync_region_bar(device, 0, &registers));
  TRY(interruptsync_line_uio(device, INTERRUPTSYNC_REARM_AUTOMATIC, &line));
  TRY(interruptsync_object_create(line, INTERRUPTSYNC_MODE_NORMAL, NULL, &object));
  TRY(interruptsync_queue_create("uart", NULL, &queue));
  for (unsigned i = 0; i < PORTS; i++) {
    uarts[i] = (struct uart){.registers = registers, .base = i * PORT_STRIDE, .number = i};
    TRY(interruptsync_deferred_create(queue, finish, &finished, &uarts[i].finished));
    TRY(interruptsync_object_register(object, service, &uarts[i], 0, NULL));
  }
  TRY(interruptsync_object_connect(object));

  for (unsigned i = 0; i < PORTS; i++) TRY(interruptsync_object_call(object, start, &uarts[i], NULL));
  struct timespec deadline;
  clock_gettime(CLOCK_REALTIME, &deadline);
  deadline.tv_sec += 60;
  for (unsigned i = 0; i < PORTS; i++) sem_timedwait(&finished, &deadline);
  for (unsigned i = 0; i < PORTS; i++) TRY(interruptsync_object_call(object, stop, &uarts[i], NULL));
  TRY(interruptsync_object_disconnect(object));

  // Disconnected: no routine runs, and what they worked on is the main thread's again.
  bool good = true;
  for (struct uart *uart = uarts; uart < uarts + PORTS; uart++) {
    bool mine = uart->received == BYTES && uart->wrong == 0 && uart->overruns == 0 && !uart->failed;
    printf("port %u: %u sent, %u received, %u wrong, %u overruns, %u interrupts\n", uart->number, uart->sent,
           uart->received, uart->wrong, uart->overruns, uart->interrupts);
    good = good && mine;
    interruptsync_release(uart->finished);
  }
  interruptsync_statistics statistics = INTERRUPTSYNC_STRUCT(interruptsync_statistics);
  TRY(interruptsync_object_get_statistics(object, &statistics));
  printf("uart: %s: %d bytes through %llu interrupts, %llu unclaimed\n",
         good ? "all bytes came back" : "BYTES WERE LOST", PORTS * BYTES,
         (unsigned long long)statistics.claimed, (unsigned long long)statistics.unclaimed);
  interruptsync_release(queue);
  interruptsync_release(object);
  interruptsync_release(line);
  interruptsync_release(registers);
  interruptsync_release(device);
  return good ? 0 : 1;
}
