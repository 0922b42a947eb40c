// What a shape does, whichever it is.
#ifndef SURFACE_HPP
#define SURFACE_HPP

#include <atomic>
#include <semaphore.h>

#include "portcls.h"
#include "windows_surface.h"

#include "interruptsync_windows.h"

struct windows_surface {
  windows_surface() { sem_init(&done, 0, 0); }
  virtual ~windows_surface() {
    if (device) InterruptSyncDeleteDevice(device);
    sem_destroy(&done);
  }
  virtual bool connect() = 0;
  virtual void call(uint64_t calls) = 0;

  bool open();
  /// What every shape's routine does.
  void serve() {
    uint64_t now = served.load(std::memory_order_relaxed) + 1, end = last.load(std::memory_order_relaxed);
    served.store(now, std::memory_order_relaxed);
    if (now < end) InterruptSyncTriggerInterrupt(device, 0);
    else if (now == end) sem_post(&done);
  }

  PDEVICE_OBJECT device = NULL;
  std::atomic<uint64_t> served{0};
  /// The interrupt that raises no other one.
  std::atomic<uint64_t> last{0};
  sem_t done;
  uint64_t called = 0;
};

windows_surface *make_portcls();
windows_surface *make_wdm();
windows_surface *make_wdf();

#endif
