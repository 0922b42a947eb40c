// C interface, floor 5: drivers that interruptsyncd runs. A driver is a shared object with one entry point,
// interruptsync_driver_start(). The setting Driver= of a [Routine] section names the object; see
// interruptsync.device(5). Threads of their own call start() and stop(), one at a time. The dispatcher's thread calls
// service() with the interrupt lock held; the queue's thread calls deferred() without it.
//
// The daemon owns the device, the interrupt line, the lock and the dispatcher. A driver reaches them through the table
// that start() gets, and links no library for it: `cc -shared -fPIC card.c -o card.so`. It must not open or connect the
// device itself, not through libinterruptsync.so either: that library would have a second lock, which excludes nothing
// here, and a second reader, which re-arms the line.
//
// Order of calls, for each device that names the driver: start(), then service() at each interrupt and deferred() when
// the driver asked for it, then stop(). The daemon calls stop() after the last return of service() and deferred(), and
// unloads the object after stop(). A device that comes back, or connects again, begins with start(). One object serves
// several devices: keep the data of each device in its `context`.
//
// A driver runs in the daemon's process: an error in it, such as a stray write, affects every device.
#ifndef INTERRUPTSYNC_DRIVER_H
#define INTERRUPTSYNC_DRIVER_H

#include "base.h"
#include "object.h"

INTERRUPTSYNC_BEGIN

typedef struct interruptsync_host interruptsync_host;
/// A window of the device's registers.
typedef struct interruptsync_host_region interruptsync_host_region;

/// The number of values that a driver can attach to each event.
#define INTERRUPTSYNC_HOST_CAPTURES 8

/// The daemon's table for a driver. Valid from start() until stop() returns. Later versions of the daemon add members
/// at the end: check with INTERRUPTSYNC_HOST_HAS before you use a member that the first version of this header did not
/// have.
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

  /// Opens the registers bar0 to bar5 of a PCI function, or map0 to map4 of the UIO driver. The same name returns the
  /// same region again. `length`, which may be NULL, receives the number of bytes that you may access. From start()
  /// only.
  /// Errors: -ENOENT (no such region, or a software line), -EINVAL (no such name), -EACCES, -EBUSY, -ENODEV (removed),
  /// -ENOMEM, -EOPNOTSUPP; -EPERM outside start().
  int (*region)(const interruptsync_host *host, const char *name, interruptsync_host_region **region,
                uint64_t *length);

  /// Reads 8, 16, 32 or 64 bits at `offset` bytes in one access. Any thread, any level. Only the interrupt lock, which
  /// service() and call() hold, orders the accesses of several threads.
  /// Errors: -ERANGE (leaves the region), -EINVAL (misaligned; 64 bits of a port), -ENODEV (the device was removed),
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

  /// Sets the value number `index` of `captures` (see interruptsync_driver) in the event of this interrupt. From
  /// service(). An index without a name does nothing.
  void (*capture)(const interruptsync_host *host, uint32_t index, uint64_t value);

  /// Runs `routine` in the calling thread, mutually exclusive with every service routine of the device, every client's
  /// transaction and every other call (P30, P31). `status`, which may be NULL, receives the routine's result.
  /// Errors, after which the routine has not run: -EDEADLK (inside a routine of this lock, N4), -EOWNERDEAD, -EINVAL
  /// (no routine).
  int (*call)(const interruptsync_host *host, int32_t (*routine)(void *context), void *context, int32_t *status);

  /// Asks for deferred(). From service(), and from any code after start(). Returns 1 if deferred() was asked for
  /// already (D1), else 0.
  /// Errors: -EOPNOTSUPP (the driver has no deferred()).
  int (*defer)(const interruptsync_host *host);

  /// Writes a line to the daemon's log, after the names of the device and the routine. Not at DEVICE level: there it
  /// writes nothing and returns -EPERM.
  int (*say)(const interruptsync_host *host, const char *text);
};

/// Whether the daemon's table has `member`.
#define INTERRUPTSYNC_HOST_HAS(host, member)                                                                           \
  ((host)->size >= offsetof(interruptsync_host, member) + sizeof((host)->member))

/// What start() fills in. Set `size` to sizeof of the struct that you compile with, and leave what you do not have
/// zero.
typedef struct interruptsync_driver {
  size_t size;
  /// The argument of each function below.
  void *context;
  /// Returns INTERRUPTSYNC_CLAIMED or INTERRUPTSYNC_NOT_MINE. Runs at DEVICE level under the interrupt lock, on the
  /// dispatcher's thread: it checks the device, silences it and claims, and must not wait. Never NULL.
  int32_t (*service)(void *context);
  /// Runs once for any number of defer() before its start (D1), without the lock, at DISPATCH level on a thread of the
  /// device's own.
  void (*deferred)(void *context);
  /// Releases everything. The driver's own threads must have ended when it returns. PASSIVE. The device may have been
  /// removed already.
  void (*stop)(void *context);
  /// Names of the values that service() captures, at most INTERRUPTSYNC_HOST_CAPTURES; they must live until stop()
  /// returns. An event carries the values of the device's first routine that captures.
  size_t capture_count;
  const char *const *captures;
} interruptsync_driver;

/// Bytes at `driver` that start() may write. All are zero before the call.
#define INTERRUPTSYNC_DRIVER_ROOM 512

#if defined(__GNUC__)
#define INTERRUPTSYNC_DRIVER_EXPORT __attribute__((visibility("default")))
#else
#define INTERRUPTSYNC_DRIVER_EXPORT
#endif

/// The entry point, which the driver defines. The daemon calls it at PASSIVE level on a thread of its own, with the line
/// masked. It opens its regions, prepares the device and fills in `driver`. Until it returns the daemon answers no
/// client. Returns 0, or a negative errno: then the daemon does not service the device, and does not call stop().
INTERRUPTSYNC_DRIVER_EXPORT int interruptsync_driver_start(const interruptsync_host *host,
                                                           interruptsync_driver *driver);

INTERRUPTSYNC_END

#endif
