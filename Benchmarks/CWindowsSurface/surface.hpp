// What a shape does, whichever it is.
#ifndef SURFACE_HPP
#define SURFACE_HPP

#include <atomic>

#include "portcls.h"
#include "windows_surface.h"

#include "interruptsync_windows.h"

struct windows_surface {
  virtual ~windows_surface() {
    if (device) InterruptSyncDeleteDevice(device);
  }
  virtual bool connect() = 0;
  virtual void call(uint64_t calls) = 0;

  bool open();
  /// What every shape's routine does.
  void serve() {
    served.store(served.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
    if (firing.load(std::memory_order_relaxed)) InterruptSyncTriggerInterrupt(device, 0);
  }

  PDEVICE_OBJECT device = NULL;
  std::atomic<uint64_t> served{0};
  std::atomic<bool> firing{false};
  uint64_t called = 0;
};

windows_surface *make_portcls();
windows_surface *make_wdm();
windows_surface *make_wdf();

#endif
