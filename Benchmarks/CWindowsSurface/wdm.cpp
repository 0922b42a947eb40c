#include "surface.hpp"

namespace {

struct Wdm final : windows_surface {
  PKINTERRUPT interrupt = NULL;

  ~Wdm() override {
    if (interrupt) IoDisconnectInterrupt(interrupt);
  }

  bool connect() override {
    IO_CONNECT_INTERRUPT_PARAMETERS parameters;
    RtlZeroMemory(&parameters, sizeof parameters);
    parameters.Version = CONNECT_LINE_BASED;
    parameters.LineBased.PhysicalDeviceObject = device;
    parameters.LineBased.InterruptObject = &interrupt;
    parameters.LineBased.ServiceRoutine = Serve;
    parameters.LineBased.ServiceContext = this;
    return IoConnectInterruptEx(&parameters) == STATUS_SUCCESS;
  }

  void call(uint64_t calls) override {
    while (calls-- > 0) KeSynchronizeExecution(interrupt, Count, this);
  }

  static BOOLEAN Serve(PKINTERRUPT, PVOID context) {
    static_cast<Wdm *>(context)->serve();
    return TRUE;
  }

  static BOOLEAN Count(PVOID context) {
    static_cast<Wdm *>(context)->called++;
    return TRUE;
  }
};

}  // namespace

windows_surface *make_wdm() { return new Wdm; }
