// The interrupt half of a sound driver in PortCls' shape: plays a tone of 1 kHz on an AC'97 controller (8086:2415).
//
//   c++ -std=c++17 ac97.cpp $(pkg-config --cflags --libs interruptsync) -o ac97
//   ./ac97 pci-0000:00:09.0
//
// The controller reads the samples from a ring of buffers with DMA and interrupts after each. The interrupt counts what
// has been played, at DIRQL; the service group fills what became free, at DISPATCH_LEVEL; what both use they share
// through synchronized routines. Says at the end how it went, and fails if the controller ever ran out of samples.
#include <math.h>
#include <stdio.h>

#include "interruptsync_windows.h"
#include "portcls.h"
#include "registers.h"
#include "stdunk.h"

namespace {

constexpr ULONG Rate = 48000, Frequency = 1000, Channels = 2;
constexpr ULONG PeriodFrames = 1024;  // a buffer: 21 ms
constexpr ULONG Periods = 3 * Rate / PeriodFrames + 1;
// One buffer stays empty: then the distance from the one being played to the next free one says which are filled.
constexpr ULONG Ahead = DESCRIPTORS - 1;

// In the common buffer: the list, then the samples.
constexpr ULONG BufferAt(ULONG index) { return 4096 + index * PeriodFrames * Channels * sizeof(SHORT); }
constexpr ULONG MemorySize = BufferAt(DESCRIPTORS);

struct Progress {
  ULONG played, interrupts, underruns;
  bool fifoError;
};

// From now on, in the units of waits: 100 ns, negative.
LARGE_INTEGER Milliseconds(LONGLONG count) {
  LARGE_INTEGER interval;
  interval.QuadPart = -10000 * count;
  return interval;
}

template <typename Condition>
NTSTATUS Await(Condition condition) {
  LARGE_INTEGER interval = Milliseconds(1);
  for (int i = 0; i < 1000; i++) {
    if (condition()) return STATUS_SUCCESS;
    KeDelayExecutionThread(KernelMode, FALSE, &interval);
  }
  return STATUS_IO_DEVICE_ERROR;
}

class CAdapter : public IServiceSink, public CUnknown {
 public:
  DECLARE_STD_UNKNOWN();
  DEFINE_STD_CONSTRUCTOR(CAdapter)
  ~CAdapter() override {
    if (m_Service) m_Service->Release();
    if (m_Sync) m_Sync->Release();
    if (m_Memory) m_Adapter->DmaOperations->FreeCommonBuffer(m_Adapter, MemorySize, m_Logical, m_Memory, TRUE);
    if (m_Adapter) m_Adapter->DmaOperations->PutDmaAdapter(m_Adapter);
  }

  NTSTATUS Init(PDEVICE_OBJECT device, PRESOURCELIST resources) {
    KeInitializeEvent(&m_Done, NotificationEvent, FALSE);
    if (resources->NumberOfPorts() < 2 || resources->NumberOfInterrupts() < 1) return STATUS_DEVICE_CONFIGURATION_ERROR;
    m_Codec = PUCHAR(ULONG_PTR(resources->FindTranslatedPort(0)->u.Port.Start.QuadPart));
    m_Master = PUCHAR(ULONG_PTR(resources->FindTranslatedPort(1)->u.Port.Start.QuadPart));
    NTSTATUS status = AllocateMemory(device);
    if (NT_SUCCESS(status)) status = ResetCard();
    if (NT_SUCCESS(status)) status = PcNewServiceGroup(&m_Service, NULL);
    if (NT_SUCCESS(status)) status = PcNewInterruptSync(&m_Sync, NULL, resources, 0, InterruptSyncModeNormal);
    if (NT_SUCCESS(status)) status = m_Sync->RegisterServiceRoutine(Isr, this, FALSE);
    return status;
  }

  NTSTATUS Start() {
    Descriptor *list = reinterpret_cast<Descriptor *>(m_Memory);
    for (ULONG i = 0; i < DESCRIPTORS; i++)
      list[i] = {LogicalAt(BufferAt(i)), PeriodFrames * Channels | DESCRIPTOR_IOC};
    Fill(Ahead);
    NTSTATUS status = m_Service->AddMember(this);
    if (NT_SUCCESS(status)) status = m_Sync->Connect();
    if (NT_SUCCESS(status)) status = m_Sync->CallSynchronizedRoutine(Run, this);
    return status;
  }

  // Until all has been played; STATUS_TIMEOUT when that takes much longer than it should.
  NTSTATUS Wait() {
    LARGE_INTEGER limit = Milliseconds(Periods * PeriodFrames * 1000 / Rate + 30000);
    return KeWaitForSingleObject(&m_Done, Executive, KernelMode, FALSE, &limit);
  }

  // Afterwards the card reads no memory and no routine runs.
  Progress Stop() {
    m_Sync->CallSynchronizedRoutine(Halt, this);
    m_Sync->Disconnect();
    m_Service->RemoveMember(this);
    // A service that was under way when its member was removed ends here.
    KeFlushQueuedDpcs();
    return m_Progress;
  }

  // The service, at DISPATCH_LEVEL and outside the lock: while it makes samples an interrupt can be serviced.
  STDMETHODIMP_(VOID) RequestService() override {
    m_Sync->CallSynchronizedRoutine(Look, this);
    // A card that has halted takes any write of the last valid index as the word to go on.
    if (Fill(m_Seen.played + Ahead)) m_Sync->CallSynchronizedRoutine(Announce, this);
    if (m_Seen.played == Periods) KeSetEvent(&m_Done, IO_SOUND_INCREMENT, FALSE);
  }

 private:
  PUCHAR m_Codec = NULL, m_Master = NULL;
  PINTERRUPTSYNC m_Sync = NULL;
  PSERVICEGROUP m_Service = NULL;
  PDMA_ADAPTER m_Adapter = NULL;
  // What the card reads, as each side finds it.
  PUCHAR m_Memory = NULL;
  PHYSICAL_ADDRESS m_Logical = {};
  KEVENT m_Done;
  // Inside the interrupt's lock only.
  Progress m_Progress = {};
  // The service's only, once connected.
  Progress m_Seen = {};
  ULONG m_Filled = 0;

  UCHAR Get8(ULONG reg) { return READ_PORT_UCHAR(m_Master + reg); }
  USHORT Get16(ULONG reg) { return READ_PORT_USHORT(PUSHORT(m_Master + reg)); }
  ULONG Get32(ULONG reg) { return READ_PORT_ULONG(PULONG(m_Master + reg)); }
  void Set8(ULONG reg, ULONG value) { WRITE_PORT_UCHAR(m_Master + reg, UCHAR(value)); }
  void Set16(ULONG reg, ULONG value) { WRITE_PORT_USHORT(PUSHORT(m_Master + reg), USHORT(value)); }
  void Set32(ULONG reg, ULONG value) { WRITE_PORT_ULONG(PULONG(m_Master + reg), value); }
  void SetCodec(ULONG reg, ULONG value) { WRITE_PORT_USHORT(PUSHORT(m_Codec + reg), USHORT(value)); }

  // The card has 32 bits of address.
  NTSTATUS AllocateMemory(PDEVICE_OBJECT device) {
    DEVICE_DESCRIPTION description = {};
    description.Version = DEVICE_DESCRIPTION_VERSION;
    description.Master = TRUE;
    description.Dma32BitAddresses = TRUE;
    description.InterfaceType = PCIBus;
    description.MaximumLength = MemorySize;
    ULONG mapRegisters;
    m_Adapter = IoGetDmaAdapter(device, &description, &mapRegisters);
    if (!m_Adapter) return STATUS_INSUFFICIENT_RESOURCES;
    m_Memory = PUCHAR(m_Adapter->DmaOperations->AllocateCommonBuffer(m_Adapter, MemorySize, &m_Logical, TRUE));
    return m_Memory ? STATUS_SUCCESS : STATUS_INSUFFICIENT_RESOURCES;
  }
  ULONG LogicalAt(ULONG offset) const { return ULONG(m_Logical.QuadPart) + offset; }

  NTSTATUS ResetCard() {
    Set32(GLOB_CNT, GLOB_CNT_RUN);
    NTSTATUS status = Await([this] { return Get32(GLOB_STA) & GLOB_STA_READY; });
    if (!NT_SUCCESS(status)) return status;
    SetCodec(CODEC_RESET, 0);
    SetCodec(CODEC_MASTER_VOLUME, 0);
    SetCodec(CODEC_PCM_OUT_VOLUME, CODEC_VOLUME_0_DB);
    Set8(PO_CR, CR_RESET);
    return Await([this] { return !(Get8(PO_CR) & CR_RESET); });
  }

  // Makes the tone up to a period; whether there is more than before.
  bool Fill(ULONG upTo) {
    ULONG before = m_Filled;
    for (; m_Filled < upTo && m_Filled < Periods; m_Filled++) {
      SHORT *sample = reinterpret_cast<SHORT *>(m_Memory + BufferAt(m_Filled % DESCRIPTORS));
      for (ULONG i = 0; i < PeriodFrames; i++) {
        // Whole cycles are left out, so that the argument stays small and exact.
        ULONG frame = (m_Filled * PeriodFrames + i) % (Rate / Frequency);
        SHORT value = SHORT(lround(16000 * sin(2 * M_PI * frame * Frequency / Rate)));
        for (ULONG channel = 0; channel < Channels; channel++) *sample++ = value;
      }
    }
    return m_Filled > before;
  }

  // The service routine. Between two interrupts any number of buffers may have been played, but for a whole ring.
  static NTSTATUS Isr(PINTERRUPTSYNC, PVOID context) {
    CAdapter *self = static_cast<CAdapter *>(context);
    Progress &progress = self->m_Progress;
    USHORT status = self->Get16(PO_SR);
    // A card that has gone reads as all ones.
    if (status == 0xffff || !(status & SR_EVENTS)) return STATUS_UNSUCCESSFUL;
    // First cleared, then looked: a buffer that ends in between interrupts again.
    self->Set16(PO_SR, status & SR_EVENTS);
    ULONG halted = self->Get16(PO_SR) & SR_DCH ? 1 : 0;
    progress.played += (self->Get8(PO_CIV) + halted - progress.played) % DESCRIPTORS;
    progress.interrupts++;
    if (status & SR_LVBCI && progress.played < Periods) progress.underruns++;
    if (status & SR_FIFOE) progress.fifoError = true;
    self->m_Service->RequestService();
    return STATUS_SUCCESS;
  }

  // Synchronized routines.
  static NTSTATUS Look(PINTERRUPTSYNC, PVOID context) {
    CAdapter *self = static_cast<CAdapter *>(context);
    self->m_Seen = self->m_Progress;
    return STATUS_SUCCESS;
  }
  static NTSTATUS Announce(PINTERRUPTSYNC, PVOID context) {
    CAdapter *self = static_cast<CAdapter *>(context);
    KeMemoryBarrier();
    self->Set8(PO_LVI, (self->m_Filled - 1) % DESCRIPTORS);
    return STATUS_SUCCESS;
  }
  static NTSTATUS Run(PINTERRUPTSYNC sync, PVOID context) {
    CAdapter *self = static_cast<CAdapter *>(context);
    self->Set32(PO_BDBAR, self->LogicalAt(0));
    Announce(sync, context);
    self->Set8(PO_CR, CR_RUN | CR_INTERRUPTS);
    return STATUS_SUCCESS;
  }
  static NTSTATUS Halt(PINTERRUPTSYNC, PVOID context) {
    CAdapter *self = static_cast<CAdapter *>(context);
    self->Set8(PO_CR, 0);
    self->Set16(PO_SR, SR_EVENTS);
    return STATUS_SUCCESS;
  }
};

NTSTATUS CAdapter::NonDelegatingQueryInterface(REFIID id, PVOID *object) {
  if (!IsEqualGUIDAligned(id, IID_IUnknown) && !IsEqualGUIDAligned(id, IID_IServiceSink))
    return CUnknown::NonDelegatingQueryInterface(id, object);
  *object = QICAST(PSERVICESINK);
  AddRef();
  return STATUS_SUCCESS;
}

int Failed(const char *what, NTSTATUS status) {
  fprintf(stderr, "ac97: %s: status 0x%08X\n", what, unsigned(status));
  return 1;
}

int Play(PDEVICE_OBJECT device, CAdapter *adapter) {
  PRESOURCELIST resources = NULL;
  NTSTATUS status = InterruptSyncNewResourceList(&resources, device);
  if (!NT_SUCCESS(status)) return Failed("resources", status);
  status = adapter->Init(device, resources);
  resources->Release();
  if (!NT_SUCCESS(status)) return Failed("initialise", status);
  status = InterruptSyncSetBusMaster(device, TRUE);
  if (!NT_SUCCESS(status)) return Failed("bus mastering", status);
  status = adapter->Start();
  if (NT_SUCCESS(status)) status = adapter->Wait();
  Progress end = adapter->Stop();
  InterruptSyncSetBusMaster(device, FALSE);
  printf("ac97: played %u of %u periods of %u frames at %u Hz: %u interrupts, %u underruns\n", end.played, Periods,
         PeriodFrames, Rate, end.interrupts, end.underruns);
  if (status != STATUS_SUCCESS) return Failed("play", status);
  if (end.fifoError) return Failed("the card's FIFO ran empty", STATUS_DATA_OVERRUN);
  return end.played == Periods && end.underruns == 0 ? 0 : 1;
}

}  // namespace

int main(int count, char **arguments) {
  PDEVICE_OBJECT device = NULL;
  NTSTATUS status = InterruptSyncCreateDevice(count > 1 ? arguments[1] : "pci-0000:00:09.0", 0, &device);
  if (!NT_SUCCESS(status)) return Failed("open", status);
  CAdapter *adapter = new (NonPagedPool) CAdapter(NULL);
  int result = 1;
  if (adapter) {
    adapter->AddRef();
    result = Play(device, adapter);
    adapter->Release();
  }
  InterruptSyncDeleteDevice(device);
  return result;
}
