#include "surface.hpp"

bool windows_surface::open() {
  INTERRUPTSYNC_SOFTWARE_DEVICE description;
  INTERRUPTSYNC_SOFTWARE_DEVICE_INIT(&description, 1);
  return InterruptSyncCreateSoftwareDevice(&description, 0, &device) == STATUS_SUCCESS && connect();
}

windows_surface *windows_surface_create(enum windows_shape shape) {
  windows_surface *surface = shape == WINDOWS_PORTCLS ? make_portcls() : shape == WINDOWS_WDM ? make_wdm() : make_wdf();
  if (surface->open()) return surface;
  delete surface;
  return NULL;
}

void windows_surface_destroy(windows_surface *surface) { delete surface; }

void windows_surface_start(windows_surface *surface) {
  surface->last = UINT64_MAX;
  InterruptSyncTriggerInterrupt(surface->device, 0);
}

void windows_surface_stop(windows_surface *surface) { surface->last = 0; }

void windows_surface_serve(windows_surface *surface, uint64_t interrupts) {
  surface->last = surface->served + interrupts;
  InterruptSyncTriggerInterrupt(surface->device, 0);
  while (sem_wait(&surface->done) != 0) continue;
}
uint64_t windows_surface_served(windows_surface *surface) { return surface->served; }
void windows_surface_call(windows_surface *surface, uint64_t calls) { surface->call(calls); }
uint64_t windows_surface_called(windows_surface *surface) { return surface->called; }
