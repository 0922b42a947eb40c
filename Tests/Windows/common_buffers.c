// Common buffers of WDM (K29 to K31), on software devices. Compiled as C and as C++. Those of a real device:
// Tests/Hardware/programs/common_buffers.c in the guests.
#include "check.h"

enum { PAGE = 4096 };

static DEVICE_DESCRIPTION description(BOOLEAN of_32, BOOLEAN of_64) {
  DEVICE_DESCRIPTION d;
  RtlZeroMemory(&d, sizeof d);
  d.Version = DEVICE_DESCRIPTION_VERSION;
  d.Master = TRUE;
  d.Dma32BitAddresses = of_32;
  d.Dma64BitAddresses = of_64;
  d.InterfaceType = PCIBus;
  d.MaximumLength = 3 * PAGE;
  return d;
}

static PDMA_ADAPTER adapter_of(PDEVICE_OBJECT device, DEVICE_DESCRIPTION d) {
  ULONG registers = 0;
  PDMA_ADAPTER adapter = IoGetDmaAdapter(device, &d, &registers);
  CHECK(adapter && adapter->DmaOperations && adapter->Version == d.Version && registers == 4);
  return adapter;
}

static PVOID allocated(PDMA_ADAPTER adapter, ULONG length, PPHYSICAL_ADDRESS logical) {
  return adapter->DmaOperations->AllocateCommonBuffer(adapter, length, logical, TRUE);
}

static void freed(PDMA_ADAPTER adapter, ULONG length, PHYSICAL_ADDRESS logical, PVOID memory) {
  adapter->DmaOperations->FreeCommonBuffer(adapter, length, logical, memory, TRUE);
}

TEST(K30_a_common_buffer_is_cleared_and_has_addresses_of_its_own) {
  PDEVICE_OBJECT device = software_device(1);
  PDMA_ADAPTER adapter = adapter_of(device, description(TRUE, FALSE));
  PHYSICAL_ADDRESS logical[3];
  PUCHAR memory[3];
  for (int i = 0; i < 3; i++) {
    memory[i] = (PUCHAR)allocated(adapter, PAGE + 1, &logical[i]);
    CHECK(memory[i] && (ULONG_PTR)memory[i] % PAGE == 0 && logical[i].QuadPart > 0 && logical[i].QuadPart % PAGE == 0);
    for (int j = 0; j < PAGE + 1; j++) CHECK(memory[i][j] == 0);
    RtlFillMemory(memory[i], PAGE + 1, i + 1);
    // Two pages each.
    if (i > 0) CHECK(logical[i].QuadPart - logical[i - 1].QuadPart >= 2 * PAGE);
  }
  for (int i = 0; i < 3; i++) CHECK(memory[i][0] == i + 1 && memory[i][PAGE] == i + 1);
  // The addresses of one that is freed are taken again.
  freed(adapter, PAGE + 1, logical[1], memory[1]);
  PHYSICAL_ADDRESS again;
  memory[1] = (PUCHAR)allocated(adapter, 2 * PAGE, &again);
  CHECK(memory[1] && again.QuadPart == logical[1].QuadPart && memory[1][0] == 0);
  freed(adapter, PAGE + 1, logical[0], memory[0]);
  freed(adapter, 2 * PAGE, again, memory[1]);
  freed(adapter, PAGE + 1, logical[2], memory[2]);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

TEST(K29_an_adapter_needs_a_device_and_a_description_of_a_bus_master) {
  PDEVICE_OBJECT device = software_device(0);
  DEVICE_DESCRIPTION d = description(TRUE, FALSE);
  ULONG registers = 77;
  CHECK(!IoGetDmaAdapter(NULL, &d, &registers) && reported("IoGetDmaAdapter", "K29"));
  CHECK(!IoGetDmaAdapter(device, NULL, &registers) && reported("IoGetDmaAdapter", "K29"));
  d.Version = DEVICE_DESCRIPTION_VERSION3 + 1;
  CHECK(!IoGetDmaAdapter(device, &d, &registers) && reported("IoGetDmaAdapter", "K29"));
  d.Version = DEVICE_DESCRIPTION_VERSION2;
  d.Master = FALSE;
  CHECK(!IoGetDmaAdapter(device, &d, &registers) && reported("IoGetDmaAdapter", "K29"));
  CHECK(registers == 77);
  d.Master = TRUE;
  d.MaximumLength = 0xffffffff;
  PDMA_ADAPTER adapter = IoGetDmaAdapter(device, &d, &registers);
  CHECK(adapter && adapter->Version == 2 && registers == 0x100001);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

// A device that declares a small width gets no address beyond it.
TEST(K29_a_buffer_is_where_the_device_reaches_it) {
  enum { LARGE = 16 << 20 };
  PDEVICE_OBJECT device = software_device(1);
  DEVICE_DESCRIPTION d = description(FALSE, FALSE);
  PHYSICAL_ADDRESS logical;
  PDMA_ADAPTER adapter = adapter_of(device, d);
  CHECK(!allocated(adapter, LARGE, &logical) && reported("AllocateCommonBuffer", "N16"));
  PVOID memory = allocated(adapter, PAGE, &logical);
  CHECK(memory && logical.QuadPart + PAGE <= 1 << 24);
  freed(adapter, PAGE, logical, memory);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  // Version 3 has a width; the older ones do not look at it.
  d = description(TRUE, TRUE);
  d.DmaAddressWidth = 24;
  for (ULONG version = DEVICE_DESCRIPTION_VERSION2; version <= DEVICE_DESCRIPTION_VERSION3; version++) {
    d.Version = version;
    adapter = adapter_of(device, d);
    memory = allocated(adapter, LARGE, &logical);
    CHECK((version == DEVICE_DESCRIPTION_VERSION3) == !memory);
    if (memory) freed(adapter, LARGE, logical, memory);
    adapter->DmaOperations->PutDmaAdapter(adapter);
  }
  CHECK(reported("AllocateCommonBuffer", "N16"));
  InterruptSyncDeleteDevice(device);
}

TEST(K31_a_buffer_is_freed_once_and_as_it_was_allocated) {
  PDEVICE_OBJECT device = software_device(1);
  PDMA_ADAPTER adapter = adapter_of(device, description(TRUE, FALSE));
  PDMA_ADAPTER other = adapter_of(device, description(TRUE, FALSE));
  PHYSICAL_ADDRESS logical, wrong;
  PUCHAR memory = (PUCHAR)allocated(adapter, PAGE, &logical);
  CHECK(!allocated(adapter, 0, &logical) && reported("AllocateCommonBuffer", "K30"));
  CHECK(!allocated(adapter, PAGE, NULL) && reported("AllocateCommonBuffer", "K30"));
  freed(adapter, PAGE, logical, memory + 1);
  CHECK(reported("FreeCommonBuffer", "K31"));
  freed(other, PAGE, logical, memory);
  CHECK(reported("FreeCommonBuffer", "K31"));
  freed(adapter, PAGE, logical, memory);
  CHECK(reports == 0);
  freed(adapter, PAGE, logical, memory);
  CHECK(reported("FreeCommonBuffer", "K31"));
  // A wrong length or address is reported; the memory is freed.
  memory = (PUCHAR)allocated(adapter, PAGE, &logical);
  freed(adapter, PAGE - 1, logical, memory);
  CHECK(reported("FreeCommonBuffer", "K31"));
  memory = (PUCHAR)allocated(adapter, PAGE, &logical);
  wrong.QuadPart = logical.QuadPart + PAGE;
  freed(adapter, PAGE, wrong, memory);
  CHECK(reported("FreeCommonBuffer", "K31"));
  adapter->DmaOperations->PutDmaAdapter(adapter);
  other->DmaOperations->PutDmaAdapter(other);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}

TEST(K31_an_adapter_ends_after_its_buffers_and_once) {
  PDEVICE_OBJECT device = software_device(1);
  PDMA_ADAPTER adapter = adapter_of(device, description(TRUE, FALSE));
  PHYSICAL_ADDRESS logical;
  PUCHAR memory = (PUCHAR)allocated(adapter, PAGE, &logical);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reported("PutDmaAdapter", "K31"));
  memory[PAGE - 1] = 1;
  // The adapter keeps the device.
  InterruptSyncDeleteDevice(device);
  freed(adapter, PAGE, logical, memory);
  memory = (PUCHAR)allocated(adapter, PAGE, &logical);
  CHECK(memory);
  freed(adapter, PAGE, logical, memory);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reports == 0);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reported("PutDmaAdapter", "K31"));
  CHECK(!allocated(adapter, PAGE, &logical) && reported("AllocateCommonBuffer", "K31"));
}

TEST(K29_adapters_and_their_buffers_are_for_passive_level) {
  PDEVICE_OBJECT device = software_device(1);
  PDMA_ADAPTER adapter = adapter_of(device, description(TRUE, FALSE));
  DEVICE_DESCRIPTION d = description(TRUE, FALSE);
  ULONG registers;
  PHYSICAL_ADDRESS logical, other;
  PVOID memory = allocated(adapter, PAGE, &logical);
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  CHECK(!IoGetDmaAdapter(device, &d, &registers) && reported("IoGetDmaAdapter", "4.6"));
  CHECK(!allocated(adapter, PAGE, &other) && reported("AllocateCommonBuffer", "4.6"));
  freed(adapter, PAGE, logical, memory);
  CHECK(reported("FreeCommonBuffer", "4.6"));
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reported("PutDmaAdapter", "4.6"));
  KeLowerIrql(before);
  freed(adapter, PAGE, logical, memory);
  adapter->DmaOperations->PutDmaAdapter(adapter);
  CHECK(reports == 0);
  InterruptSyncDeleteDevice(device);
}
