// The interrupt half of a Windows driver (WDF) for a card with four UARTs on one interrupt line (QEMU's pci-serial-4x,
// 1b36:0004), and a small main that loads it.
//
//   cc uart.c $(pkg-config --cflags --libs interruptsync) -o uart-wdf
//   ./uart-wdf pci-0000:00:05.0
//
// The framework connects the interrupt, has Enable put all four UARTs into loopback and Disable silence them, both
// under the interrupt's lock. A synchronize callback then lets each send a pattern; the ISR takes it in again, 16 bytes
// an interrupt, and a DPC tells main when a port has finished. Registers are named as in the data sheet of the PC16550D
// (National Semiconductor, June 1995), sections as numbered there.
#include <interruptsync_windows.h>
#include <wdf.h>

#include <semaphore.h>
#include <stdio.h>
#include <time.h>

enum {
  PORTS = 4,
  PORT_STRIDE = 8,  // one range: four blocks of eight ports
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

// Under the interrupt's lock: only callbacks that hold it touch these.
typedef struct UART {
  ULONG_PTR Base;
  ULONG Number, Sent, Received, Wrong, Overruns, Interrupts;
} UART;

typedef struct DEVICE_CONTEXT {
  WDFINTERRUPT Interrupt;
  UART Uarts[PORTS];
  ULONG Finished;  // ports that have everything back; under the lock, too
} DEVICE_CONTEXT;
WDF_DECLARE_CONTEXT_TYPE_WITH_NAME(DEVICE_CONTEXT, GetContext)

static sem_t AllFinished;
static WDFDEVICE Device;  // there is one

static UCHAR Pattern(const UART *Uart, ULONG Position) {
  return (UCHAR)(Position * 7 + Position / 256 + Uart->Number * 64);
}

static UCHAR In(const UART *Uart, ULONG Register) { return READ_PORT_UCHAR((PUCHAR)(Uart->Base + Register)); }

static VOID Out(const UART *Uart, ULONG Register, UCHAR Value) {
  WRITE_PORT_UCHAR((PUCHAR)(Uart->Base + Register), Value);
}

static VOID Receive(UART *Uart) {
  UCHAR Status;
  // The bound ends it when the card is pulled, and everything reads as ones.
  while (Uart->Received < BYTES && (Status = In(Uart, LSR)) & LSR_DR) {
    if (Status & LSR_OE) Uart->Overruns++;
    if (In(Uart, RBR) != Pattern(Uart, Uart->Received)) Uart->Wrong++;
    Uart->Received++;
  }
}

static VOID Transmit(UART *Uart) {
  if (!(In(Uart, LSR) & LSR_THRE)) return;
  for (int i = 0; i < FIFO_DEPTH && Uart->Sent < BYTES; i++) Out(Uart, THR, Pattern(Uart, Uart->Sent++));
  // Nothing left: the transmitter may be empty from now on without interrupting.
  if (Uart->Sent == BYTES) Out(Uart, IER, IER_ERBFI);
}

// One look at each UART. The line stays asserted for what comes after it, and interrupts again.
static BOOLEAN EvtIsr(WDFINTERRUPT Interrupt, ULONG MessageID) {
  UNREFERENCED_PARAMETER(MessageID);
  DEVICE_CONTEXT *Context = GetContext(WdfInterruptGetDevice(Interrupt));
  BOOLEAN Claimed = FALSE;
  for (UART *Uart = Context->Uarts; Uart < Context->Uarts + PORTS; Uart++) {
    // Reading IIR also ends a transmitter interrupt (8.6).
    if (In(Uart, IIR) & IIR_NONE) continue;
    Claimed = TRUE;
    Uart->Interrupts++;
    ULONG Before = Uart->Received;
    Receive(Uart);
    Transmit(Uart);
    if (Uart->Received == BYTES && Before < BYTES) Context->Finished++;
  }
  if (Claimed && Context->Finished == PORTS) WdfInterruptQueueDpcForIsr(Interrupt);
  return Claimed;
}

// At DISPATCH_LEVEL, without the lock.
static VOID EvtDpc(WDFINTERRUPT Interrupt, WDFOBJECT AssociatedObject) {
  UNREFERENCED_PARAMETER(Interrupt);
  UNREFERENCED_PARAMETER(AssociatedObject);
  sem_post(&AllFinished);
}

// Under the lock: 115200 baud, 8N1, FIFOs, loopback, and silent until there is data to send.
static NTSTATUS EvtEnable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice) {
  UNREFERENCED_PARAMETER(Interrupt);
  DEVICE_CONTEXT *Context = GetContext(AssociatedDevice);
  for (UART *Uart = Context->Uarts; Uart < Context->Uarts + PORTS; Uart++) {
    Out(Uart, LCR, LCR_DLAB);
    Out(Uart, DLL, 1);
    Out(Uart, DLM, 0);
    Out(Uart, LCR, LCR_8N1);
    Out(Uart, FCR, FCR_ENABLE);
    Out(Uart, MCR, MCR_LOOP | MCR_OUT2);
    if (In(Uart, LCR) != LCR_8N1) return STATUS_IO_DEVICE_ERROR;
  }
  return STATUS_SUCCESS;
}

// Under the lock: silent, and in the reset state (table II).
static NTSTATUS EvtDisable(WDFINTERRUPT Interrupt, WDFDEVICE AssociatedDevice) {
  UNREFERENCED_PARAMETER(Interrupt);
  DEVICE_CONTEXT *Context = GetContext(AssociatedDevice);
  for (UART *Uart = Context->Uarts; Uart < Context->Uarts + PORTS; Uart++) {
    Out(Uart, IER, 0);
    Out(Uart, MCR, 0);
  }
  return STATUS_SUCCESS;
}

// Under the lock: from now on this one interrupts.
static BOOLEAN EvtStart(WDFINTERRUPT Interrupt, WDFCONTEXT Uart) {
  UNREFERENCED_PARAMETER(Interrupt);
  Out((UART *)Uart, IER, IER_ERBFI | IER_ETBEI);
  return TRUE;
}

// The ports of the card: one range.
static NTSTATUS EvtPrepareHardware(WDFDEVICE AddedDevice, WDFCMRESLIST Raw, WDFCMRESLIST Translated) {
  UNREFERENCED_PARAMETER(Raw);
  DEVICE_CONTEXT *Context = GetContext(AddedDevice);
  for (ULONG i = 0; i < WdfCmResourceListGetCount(Translated); i++) {
    PCM_PARTIAL_RESOURCE_DESCRIPTOR Entry = WdfCmResourceListGetDescriptor(Translated, i);
    if (Entry->Type != CmResourceTypePort || Entry->u.Port.Length < PORTS * PORT_STRIDE) continue;
    for (ULONG n = 0; n < PORTS; n++) {
      Context->Uarts[n].Base = (ULONG_PTR)Entry->u.Port.Start.QuadPart + n * PORT_STRIDE;
      Context->Uarts[n].Number = n;
    }
    return STATUS_SUCCESS;
  }
  return STATUS_DEVICE_CONFIGURATION_ERROR;
}

static NTSTATUS EvtDeviceAdd(WDFDRIVER Driver, PWDFDEVICE_INIT DeviceInit) {
  UNREFERENCED_PARAMETER(Driver);
  WDF_PNPPOWER_EVENT_CALLBACKS Callbacks;
  WDF_PNPPOWER_EVENT_CALLBACKS_INIT(&Callbacks);
  Callbacks.EvtDevicePrepareHardware = EvtPrepareHardware;
  WdfDeviceInitSetPnpPowerEventCallbacks(DeviceInit, &Callbacks);

  WDF_OBJECT_ATTRIBUTES Attributes;
  WDF_OBJECT_ATTRIBUTES_INIT_CONTEXT_TYPE(&Attributes, DEVICE_CONTEXT);
  NTSTATUS Status = WdfDeviceCreate(&DeviceInit, &Attributes, &Device);
  if (!NT_SUCCESS(Status)) return Status;

  WDF_INTERRUPT_CONFIG Config;
  WDF_INTERRUPT_CONFIG_INIT(&Config, EvtIsr, EvtDpc);
  Config.EvtInterruptEnable = EvtEnable;
  Config.EvtInterruptDisable = EvtDisable;
  return WdfInterruptCreate(Device, &Config, WDF_NO_OBJECT_ATTRIBUTES, &GetContext(Device)->Interrupt);
}

static NTSTATUS DriverEntry(PDRIVER_OBJECT DriverObject, PUNICODE_STRING RegistryPath) {
  WDF_DRIVER_CONFIG Config;
  WDF_DRIVER_CONFIG_INIT(&Config, EvtDeviceAdd);
  return WdfDriverCreate(DriverObject, RegistryPath, WDF_NO_OBJECT_ATTRIBUTES, &Config, WDF_NO_HANDLE);
}

#define TRY(call)                                                            \
  do {                                                                       \
    NTSTATUS Status = (call);                                                \
    if (!NT_SUCCESS(Status)) {                                               \
      fprintf(stderr, "uart-wdf: %s: 0x%08X\n", #call, (unsigned)Status);    \
      return 1;                                                              \
    }                                                                        \
  } while (0)

// Windows' part: it finds the device, loads the driver, and leads the device to D0 and out of it again.
int main(int count, char **arguments) {
  PDRIVER_OBJECT Driver;
  PDEVICE_OBJECT Card;
  sem_init(&AllFinished, 0, 0);
  TRY(InterruptSyncCreateDevice(count > 1 ? arguments[1] : "pci-0000:00:05.0", 0, &Card));
  TRY(InterruptSyncLoadDriver(DriverEntry, "uart", &Driver));
  TRY(InterruptSyncAddDevice(Driver, Card));
  TRY(InterruptSyncStartDevice(Card));

  DEVICE_CONTEXT *Context = GetContext(Device);
  for (int i = 0; i < PORTS; i++) WdfInterruptSynchronize(Context->Interrupt, EvtStart, &Context->Uarts[i]);
  struct timespec Deadline;
  clock_gettime(CLOCK_REALTIME, &Deadline);
  Deadline.tv_sec += 60;
  sem_timedwait(&AllFinished, &Deadline);
  TRY(InterruptSyncPowerDownDevice(Card));

  // In D3 no ISR runs, and what it worked on is the main thread's.
  ULONG Interrupts = 0;
  BOOLEAN Good = Context->Finished == PORTS;
  for (UART *Uart = Context->Uarts; Uart < Context->Uarts + PORTS; Uart++) {
    printf("port %u: %u sent, %u received, %u wrong, %u overruns, %u interrupts\n", Uart->Number, Uart->Sent,
           Uart->Received, Uart->Wrong, Uart->Overruns, Uart->Interrupts);
    Good = Good && Uart->Wrong == 0 && Uart->Overruns == 0;
    Interrupts += Uart->Interrupts;
  }
  printf("uart-wdf: %s: %d bytes through %u interrupts\n", Good ? "all bytes came back" : "BYTES WERE LOST",
         PORTS * BYTES, Interrupts);
  TRY(InterruptSyncRemoveDevice(Card));
  TRY(InterruptSyncUnloadDriver(Driver));
  InterruptSyncDeleteDevice(Card);
  return Good ? 0 : 1;
}
