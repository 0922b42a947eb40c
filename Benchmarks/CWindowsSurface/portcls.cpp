#include "surface.hpp"

namespace {

struct PortCls final : windows_surface {
  PINTERRUPTSYNC sync = NULL;

  ~PortCls() override {
    if (sync) sync->Release();
  }

  bool connect() override {
    PRESOURCELIST resources;
    if (InterruptSyncNewResourceList(&resources, device) != STATUS_SUCCESS) return false;
    NTSTATUS status = PcNewInterruptSync(&sync, NULL, resources, 0, InterruptSyncModeNormal);
    resources->Release();
    return status == STATUS_SUCCESS && sync->RegisterServiceRoutine(Serve, this, FALSE) == STATUS_SUCCESS &&
           sync->Connect() == STATUS_SUCCESS;
  }

  void call(uint64_t calls) override {
    while (calls-- > 0) sync->CallSynchronizedRoutine(Count, this);
  }

  static NTSTATUS Serve(PINTERRUPTSYNC, PVOID context) {
    static_cast<PortCls *>(context)->serve();
    return STATUS_SUCCESS;
  }

  static NTSTATUS Count(PINTERRUPTSYNC, PVOID context) {
    static_cast<PortCls *>(context)->called++;
    return STATUS_SUCCESS;
  }
};

}  // namespace

windows_surface *make_portcls() { return new PortCls; }
