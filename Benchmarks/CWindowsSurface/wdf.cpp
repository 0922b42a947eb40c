#include "surface.hpp"

#include "wdf.h"

namespace {

struct Wdf final : windows_surface {
  PDRIVER_OBJECT driver = NULL;
  WDFINTERRUPT interrupt = NULL;
  // DriverEntry and EvtDriverDeviceAdd have no argument of ours; surfaces are made one after the other.
  static Wdf *starting;

  ~Wdf() override {
    if (interrupt) InterruptSyncRemoveDevice(device);
    if (driver) InterruptSyncUnloadDriver(driver);
  }

  bool connect() override {
    starting = this;
    return InterruptSyncLoadDriver(Entry, "bench", &driver) == STATUS_SUCCESS &&
           InterruptSyncAddDevice(driver, device) == STATUS_SUCCESS &&
           InterruptSyncStartDevice(device) == STATUS_SUCCESS;
  }

  void call(uint64_t calls) override {
    while (calls-- > 0) WdfInterruptSynchronize(interrupt, Count, this);
  }

  static NTSTATUS Entry(PDRIVER_OBJECT object, PUNICODE_STRING path) {
    WDF_DRIVER_CONFIG config;
    WDF_DRIVER_CONFIG_INIT(&config, Add);
    return WdfDriverCreate(object, path, WDF_NO_OBJECT_ATTRIBUTES, &config, WDF_NO_HANDLE);
  }

  static NTSTATUS Add(WDFDRIVER, PWDFDEVICE_INIT init) {
    WDFDEVICE made;
    NTSTATUS status = WdfDeviceCreate(&init, WDF_NO_OBJECT_ATTRIBUTES, &made);
    if (!NT_SUCCESS(status)) return status;
    WDF_INTERRUPT_CONFIG config;
    WDF_INTERRUPT_CONFIG_INIT(&config, Serve, NULL);
    return WdfInterruptCreate(made, &config, WDF_NO_OBJECT_ATTRIBUTES, &starting->interrupt);
  }

  static BOOLEAN Serve(WDFINTERRUPT, ULONG) {
    starting->serve();
    return TRUE;
  }

  static BOOLEAN Count(WDFINTERRUPT, WDFCONTEXT context) {
    static_cast<Wdf *>(context)->called++;
    return TRUE;
  }
};

Wdf *Wdf::starting = NULL;

}  // namespace

windows_surface *make_wdf() { return new Wdf; }
