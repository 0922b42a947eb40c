// WDF: DMA enablers and common buffers (W33 to W35), on software devices. Compiled as C and as C++. Those of a real device:
// Tests/Hardware/programs/common_buffers.c in the guests.
#include "wdf_fixture.h"

enum { PAGE = 4096 };

static WDFDMAENABLER enabler_of(WDF_DMA_PROFILE profile) {
  WDF_DMA_ENABLER_CONFIG config;
  WDFDMAENABLER enabler = NULL;
  WDF_DMA_ENABLER_CONFIG_INIT(&config, profile, 2 * PAGE);
  CHECK(config.Size == sizeof config && config.AddressWidthOverride == 0);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_SUCCESS);
  return enabler;
}

TEST(W35_a_common_buffer_has_a_length_and_two_addresses) {
  begin(), add(1);
  WDFDMAENABLER enabler = enabler_of(WdfDmaProfileScatterGather64);
  CHECK(WdfDmaEnablerGetMaximumLength(enabler) == 2 * PAGE);
  WDFCOMMONBUFFER buffer = NULL, aligned = NULL;
  CHECK(WdfCommonBufferCreate(enabler, 100, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_SUCCESS);
  WDF_COMMON_BUFFER_CONFIG config;
  WDF_COMMON_BUFFER_CONFIG_INIT(&config, 0xffff);
  CHECK(WdfCommonBufferCreateWithConfig(enabler, PAGE, &config, WDF_NO_OBJECT_ATTRIBUTES, &aligned) == STATUS_SUCCESS);
  PUCHAR first = (PUCHAR)WdfCommonBufferGetAlignedVirtualAddress(buffer);
  PUCHAR second = (PUCHAR)WdfCommonBufferGetAlignedVirtualAddress(aligned);
  LONGLONG logical = WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart;
  CHECK(first && (ULONG_PTR)first % PAGE == 0 && logical % PAGE == 0 && WdfCommonBufferGetLength(buffer) == 100);
  CHECK(second && second != first && WdfCommonBufferGetLength(aligned) == PAGE);
  LONGLONG other = WdfCommonBufferGetAlignedLogicalAddress(aligned).QuadPart;
  CHECK(other % 0x10000 == 0 && other != logical);
  CHECK(first[0] == 0 && first[99] == 0 && second[PAGE - 1] == 0);
  // Any level: the routine of an interrupt may ask.
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  CHECK(WdfCommonBufferGetAlignedVirtualAddress(buffer) == first);
  KeLowerIrql(before);
  CHECK(reports == 0);
  WdfObjectDelete(buffer);
  CHECK(WdfCommonBufferGetLength(buffer) == 0 && reported("WdfCommonBufferGetLength", "N27"));
  CHECK(!WdfCommonBufferGetAlignedVirtualAddress(buffer) && reported("WdfCommonBufferGetAlignedVirtualAddress", "N27"));
  CHECK(WdfCommonBufferGetAlignedLogicalAddress(buffer).QuadPart == 0);
  CHECK(reported("WdfCommonBufferGetAlignedLogicalAddress", "N27"));
  end();
  CHECK(reports == 0);
}

TEST(W33_an_enabler_is_checked) {
  begin(), add(0);
  WDF_DMA_ENABLER_CONFIG config;
  WDFDMAENABLER enabler;
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, PAGE);
  CHECK(WdfDmaEnablerCreate(the_device, NULL, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INVALID_PARAMETER);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, NULL) == STATUS_INVALID_PARAMETER);
  config.Size--;
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INFO_LENGTH_MISMATCH);
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, 0);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INVALID_PARAMETER);
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileInvalid, PAGE);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INVALID_PARAMETER);
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfileSystem, PAGE);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_NOT_SUPPORTED);
  CHECK(!enabler && reports == 0);
  WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, PAGE);
  CHECK(WdfDmaEnablerCreate(NULL, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INVALID_HANDLE);
  CHECK(reported("WdfDmaEnablerCreate", "N27"));
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  CHECK(WdfDmaEnablerCreate(the_device, &config, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_INVALID_DEVICE_STATE);
  KeLowerIrql(before);
  CHECK(reported("WdfDmaEnablerCreate", "4.6"));
  // A parent is the device, or an object below it.
  WDF_OBJECT_ATTRIBUTES attributes;
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
  attributes.ParentObject = WdfGetDriver();
  CHECK(WdfDmaEnablerCreate(the_device, &config, &attributes, &enabler) == STATUS_INVALID_DEVICE_REQUEST);
  attributes.ParentObject = the_device;
  CHECK(WdfDmaEnablerCreate(the_device, &config, &attributes, &enabler) == STATUS_SUCCESS);
  CHECK(reports == 0);
  end();
}

TEST(W34_a_common_buffer_is_checked) {
  begin(), add(0);
  WDFDMAENABLER enabler = enabler_of(WdfDmaProfilePacket);
  WDFCOMMONBUFFER buffer;
  WDF_COMMON_BUFFER_CONFIG config;
  WDF_OBJECT_ATTRIBUTES attributes;
  CHECK(WdfCommonBufferCreate(enabler, 0, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_INVALID_PARAMETER);
  CHECK(WdfCommonBufferCreate(enabler, PAGE, WDF_NO_OBJECT_ATTRIBUTES, NULL) == STATUS_INVALID_PARAMETER);
  CHECK(WdfCommonBufferCreateWithConfig(enabler, 1, NULL, WDF_NO_OBJECT_ATTRIBUTES, &buffer) ==
        STATUS_INVALID_PARAMETER);
  WDF_COMMON_BUFFER_CONFIG_INIT(&config, FILE_512_BYTE_ALIGNMENT - 1);
  CHECK(WdfCommonBufferCreateWithConfig(enabler, 1, &config, WDF_NO_OBJECT_ATTRIBUTES, &buffer) ==
        STATUS_INVALID_PARAMETER);
  config.AlignmentRequirement = FILE_512_BYTE_ALIGNMENT;
  config.Size++;
  CHECK(WdfCommonBufferCreateWithConfig(enabler, 1, &config, WDF_NO_OBJECT_ATTRIBUTES, &buffer) ==
        STATUS_INFO_LENGTH_MISMATCH);
  WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
  attributes.ParentObject = the_device;
  CHECK(WdfCommonBufferCreate(enabler, PAGE, &attributes, &buffer) == STATUS_WDF_PARENT_ASSIGNMENT_NOT_ALLOWED);
  CHECK(!buffer && reports == 0);
  CHECK(WdfCommonBufferCreate(NULL, PAGE, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_INVALID_HANDLE);
  CHECK(reported("WdfCommonBufferCreate", "N27"));
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  CHECK(WdfCommonBufferCreate(enabler, PAGE, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_INVALID_DEVICE_STATE);
  KeLowerIrql(before);
  CHECK(reported("WdfCommonBufferCreate", "4.6"));
  // More than the addresses of a device of 32 bits, and more than there is.
  CHECK(WdfCommonBufferCreate(enabler, SIZE_MAX / 2, WDF_NO_OBJECT_ATTRIBUTES, &buffer) ==
        STATUS_INSUFFICIENT_RESOURCES);
  CHECK(reported("WdfCommonBufferCreate", "N16"));
  WDF_DMA_ENABLER_CONFIG narrow;
  WDF_DMA_ENABLER_CONFIG_INIT(&narrow, WdfDmaProfilePacket64, PAGE);
  narrow.AddressWidthOverride = 20;
  CHECK(WdfDmaEnablerCreate(the_device, &narrow, WDF_NO_OBJECT_ATTRIBUTES, &enabler) == STATUS_SUCCESS);
  CHECK(WdfCommonBufferCreate(enabler, 1, WDF_NO_OBJECT_ATTRIBUTES, &buffer) == STATUS_INSUFFICIENT_RESOURCES);
  CHECK(reported("WdfCommonBufferCreate", "N16"));
  end();
  CHECK(reports == 0);
}

static WDFCOMMONBUFFER noted_buffer;

// The memory is there until the last callback of the object has returned.
static void buffer_ends(WDFOBJECT object) {
  CHECK(object == noted_buffer);
  PUCHAR memory = (PUCHAR)WdfCommonBufferGetAlignedVirtualAddress(noted_buffer);
  CHECK(memory && memory[PAGE - 1] == 9);
  note("buffer");
}

static void enabler_ends(WDFOBJECT object) {
  (void)object;
  note("enabler");
}

TEST(W34_buffers_end_with_their_enabler_and_that_with_the_device) {
  for (int by_device = 0; by_device < 2; by_device++) {
    begin(), start(1);
    forget_trace();
    WDF_DMA_ENABLER_CONFIG config;
    WDF_OBJECT_ATTRIBUTES attributes;
    WDFDMAENABLER enabler;
    WDF_DMA_ENABLER_CONFIG_INIT(&config, WdfDmaProfilePacket, PAGE);
    WDF_OBJECT_ATTRIBUTES_INIT(&attributes);
    attributes.EvtCleanupCallback = enabler_ends;
    CHECK(WdfDmaEnablerCreate(the_device, &config, &attributes, &enabler) == STATUS_SUCCESS);
    attributes.EvtCleanupCallback = buffer_ends;
    attributes.EvtDestroyCallback = buffer_ends;
    CHECK(WdfCommonBufferCreate(enabler, PAGE, &attributes, &noted_buffer) == STATUS_SUCCESS);
    ((PUCHAR)WdfCommonBufferGetAlignedVirtualAddress(noted_buffer))[PAGE - 1] = 9;
    if (by_device) {
      CHECK(InterruptSyncRemoveDevice(pdo) == STATUS_SUCCESS);
      CHECK(traced("pre exit-final release buffer enabler buffer"));
      CHECK(InterruptSyncUnloadDriver(driver_object) == STATUS_SUCCESS);
      InterruptSyncDeleteDevice(pdo);
    } else {
      WdfObjectDelete(enabler);
      CHECK(traced("buffer enabler buffer"));
      end();
    }
    CHECK(reports == 0);
  }
}

TEST(W34_a_buffer_that_ends_above_passive_level_is_reported) {
  begin(), add(0);
  WDFCOMMONBUFFER buffer;
  CHECK(WdfCommonBufferCreate(enabler_of(WdfDmaProfilePacket), PAGE, WDF_NO_OBJECT_ATTRIBUTES, &buffer) ==
        STATUS_SUCCESS);
  KIRQL before;
  KeRaiseIrql(DISPATCH_LEVEL, &before);
  WdfObjectDelete(buffer);
  KeLowerIrql(before);
  CHECK(reported("WdfObjectDelete", "4.6"));
  CHECK(WdfCommonBufferGetLength(buffer) == 0 && reported("WdfCommonBufferGetLength", "N27"));
  end();
}
