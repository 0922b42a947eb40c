// Drivers that interruptsyncd runs: a shared object with one entry point, interruptsync_driver_start(), which a
// [Routine] section names by Driver=, interruptsync.device(5).
//
// Device, interrupt line, lock and dispatcher are the daemon's. A driver gets at them through the table that it is
// handed, and links nothing for it: `cc -shared -fPIC card.c -o card.so`. It must not open or connect the device by
// itself, by libinterruptsync.so either: that would be a second library with a second lock, which excludes nothing here,
// and a second reader that re-arms the line.
//
// Order of calls, for each device that names the driver: start(), then service() at each interrupt and deferred() when
// it was asked for, then stop(). service() has returned for the last time before stop() is called, and deferred() too;
// the object is unloaded after stop(). A device that comes back, or is connected anew, begins with start() again. The
// same object serves several devices: what belongs to one of them hangs on its `context`.
//
// A driver is part of the daemon's process: what it breaks is broken for every device.
#ifndef INTERRUPTSYNC_DRIVER_H
#define INTERRUPTSYNC_DRIVER_H

#include "base.h"
#include "object.h"

INTERRUPTSYNC_BEGIN

typedef struct interruptsync_host interruptsync_host;
/// A window of the device's registers.
typedef struct interruptsync_host_region interruptsync_host_region;

/// Values that a driver can send along with each event.
#define INTERRUPTSYNC_HOST_CAPTURES 8

/// What the daemon hands to a driver. Good from start() until stop() returns. Later versions of the daemon add members
/// at the end: look with INTERRUPTSYNC_HOST_HAS before using one that this header's first version did not have.
struct interruptsync_host {
  /// Bytes of the daemon's struct.
  size_t size;
  /// The device's stable id, pci-0000:00:03.0, or a software line's name.
  const char *device;
  /// Name= of the routine, or routine-N.
  const char *routine;
  /// Argument=, in order.
  size_t argument_count;
  const char *const *arguments;
  /// The daemon's own.
  void *daemon;

  /// Opens the registers bar0 to bar5 of a PCI function, or map0 to map4 of the UIO driver; the same name gives the same
  /// region again. `length`, which may be NULL, gets the bytes that may be accessed. From start() only.
  /// Errors: -ENOENT (no such region, or a software line), -EINVAL (no such name), -EACCES, -EBUSY, -ENODEV (removed),
  /// -ENOMEM, -EOPNOTSUPP; -EPERM elsewhere than in start().
  int (*region)(const interruptsync_host *host, const char *name, interruptsync_host_region **region,
                uint64_t *length);

  /// Reads 8, 16, 32 or 64 bits at `offset` bytes in one access. Any thread, any level; only the interrupt lock, that is
  /// service() and call(), orders accesses of several threads.
  /// Errors: -ERANGE (leaves the region), -EINVAL (misaligned; 64 bits of a port), -ENODEV (the device has gone),
  /// -EIO (the I/O BAR's file failed).
  int (*read8)(interruptsync_host_region *region, uint64_t offset, uint8_t *value);
  int (*read16)(interruptsync_host_region *region, uint64_t offset, uint16_t *value);
  int (*read32)(interruptsync_host_region *region, uint64_t offset, uint32_t *value);
  int (*read64)(interruptsync_host_region *region, uint64_t offset, uint64_t *value);

  /// Writes 8, 16, 32 or 64 bits at `offset` bytes in one access. The same errors.
  int (*write8)(interruptsync_host_region *region, uint64_t offset, uint8_t value);
  int (*write16)(interruptsync_host_region *region, uint64_t offset, uint16_t value);
  int (*write32)(interruptsync_host_region *region, uint64_t offset, uint32_t value);
  int (*write64)(interruptsync_host_region *region, uint64_t offset, uint64_t value);

  /// The value number `index` of `captures` (see interruptsync_driver) for the event of this interrupt. From service().
  /// An index of no name does nothing.
  void (*capture)(const interruptsync_host *host, uint32_t index, uint64_t value);

  /// Runs `routine` in the calling thread, exclusive of every service routine of the device, of every client's
  /// transaction and of other calls (P30, P31). `status`, which may be NULL, gets the routine's result.
  /// Errors, the routine has not run: -EDEADLK (inside a routine of this lock, N4), -EOWNERDEAD, -EINVAL (no routine).
  int (*call)(const interruptsync_host *host, int32_t (*routine)(void *context), void *context, int32_t *status);

  /// Asks for deferred(). From service() and everything after start(): 1 when it was asked for already (D1), 0 otherwise.
  /// Errors: -EOPNOTSUPP (the driver has no deferred()).
  int (*defer)(const interruptsync_host *host);

  /// Says a line in the daemon's log, with the device's and the routine's names in front. Not at DEVICE level: then
  /// nothing is said, and the answer is -EPERM.
  int (*say)(const interruptsync_host *host, const char *text);
};

/// Whether the daemon's table has `member`.
#define INTERRUPTSYNC_HOST_HAS(host, member)                                                                           \
  ((host)->size >= offsetof(interruptsync_host, member) + sizeof((host)->member))

/// What a driver answers to start(): `size` is set to sizeof of the struct it was compiled with, and what it does not
/// have stays zero.
typedef struct interruptsync_driver {
  size_t size;
  /// Handed to each of the functions below.
  void *context;
  /// INTERRUPTSYNC_CLAIMED or INTERRUPTSYNC_NOT_MINE. At DEVICE level under the interrupt lock, on the dispatcher's
  /// thread: it looks, silences and claims, and must not wait. Never NULL.
  int32_t (*service)(void *context);
  /// Runs once for any number of defer() before it starts (D1), without the lock, at DISPATCH level on a thread of the
  /// device's own.
  void (*deferred)(void *context);
  /// Lets go of everything: threads of the driver's own have ended when it returns. PASSIVE. The device may have gone.
  void (*stop)(void *context);
  /// Names of the values that service() captures, at most INTERRUPTSYNC_HOST_CAPTURES; they live until stop() returns.
  /// Events carry what the first routine of the device that captures has captured.
  size_t capture_count;
  const char *const *captures;
} interruptsync_driver;

/// Bytes at `driver` that start() may write; all of them are zero when it is called.
#define INTERRUPTSYNC_DRIVER_ROOM 512

#if defined(__GNUC__)
#define INTERRUPTSYNC_DRIVER_EXPORT __attribute__((visibility("default")))
#else
#define INTERRUPTSYNC_DRIVER_EXPORT
#endif

/// The entry point, which the driver defines. Called at PASSIVE level on the daemon's control thread, with the line
/// masked: it opens its regions, prepares the device and fills in `driver`. While it runs no client is answered.
/// Returns 0, or a negative errno: then the device is not serviced, and stop() is not called.
INTERRUPTSYNC_DRIVER_EXPORT int interruptsync_driver_start(const interruptsync_host *host,
                                                           interruptsync_driver *driver);

INTERRUPTSYNC_END

#endif
