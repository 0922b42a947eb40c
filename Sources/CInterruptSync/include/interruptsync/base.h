// C interface, floor 5: handles, references, errors, version. Programs call it, and every other header builds on it.
// Any thread, any level, no lock; releasing the last reference may wait, so do that at PASSIVE level, without an
// interrupt lock.
#ifndef INTERRUPTSYNC_BASE_H
#define INTERRUPTSYNC_BASE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define INTERRUPTSYNC_BEGIN extern "C" {
#define INTERRUPTSYNC_END }
#else
#define INTERRUPTSYNC_BEGIN
#define INTERRUPTSYNC_END
#endif

/// The version of this header. interruptsync_version() returns that of the library.
#define INTERRUPTSYNC_VERSION_MAJOR 0
#define INTERRUPTSYNC_VERSION_MINOR 1
#define INTERRUPTSYNC_VERSION_PATCH 0
#define INTERRUPTSYNC_VERSION_NUMBER                                                                                   \
  (INTERRUPTSYNC_VERSION_MAJOR * 10000 + INTERRUPTSYNC_VERSION_MINOR * 100 + INTERRUPTSYNC_VERSION_PATCH)

/// A struct of this interface with its size set and every other field zero:
/// `interruptsync_statistics now = INTERRUPTSYNC_STRUCT(interruptsync_statistics);`
#ifdef __cplusplus
#define INTERRUPTSYNC_STRUCT(type)                                                                                     \
  ([] {                                                                                                                \
    type made = {};                                                                                                    \
    made.size = sizeof made;                                                                                           \
    return made;                                                                                                       \
  }())
#else
#define INTERRUPTSYNC_STRUCT(type) ((type){.size = sizeof(type)})
#endif

INTERRUPTSYNC_BEGIN

// In a forked child every function but interruptsync_retain() and interruptsync_release() fails with -ECHILD for a handle
// of the parent's, as long as the parent lives. Once it has ended, as after daemon(3), the child takes over what has no
// thread of its own; connect the objects again.

/// An open UIO device.
typedef struct interruptsync_device interruptsync_device;
/// An open VFIO device.
typedef struct interruptsync_vfio interruptsync_vfio;
/// Memory that a device reaches.
typedef struct interruptsync_dma interruptsync_dma;
/// A window of device registers.
typedef struct interruptsync_region interruptsync_region;
/// An interrupt line.
typedef struct interruptsync_line interruptsync_line;
/// An interrupt sync object.
typedef struct interruptsync_object interruptsync_object;
/// A service routine in an object's list.
typedef struct interruptsync_registration interruptsync_registration;
/// The interrupt of one connection of an object (GetKInterrupt).
typedef struct interruptsync_interrupt interruptsync_interrupt;
/// An interrupt lock.
typedef struct interruptsync_lock interruptsync_lock;
/// A thread that dispatches for many lines.
typedef struct interruptsync_group interruptsync_group;
/// A thread that runs deferred routines.
typedef struct interruptsync_queue interruptsync_queue;
/// A deferred routine (a DPC).
typedef struct interruptsync_deferred interruptsync_deferred;

/// The library's version as text, "0.1.0". The text is never freed.
const char *interruptsync_version(void);

/// The library's version as a number: major * 10000 + minor * 100 + patch. Compare with INTERRUPTSYNC_VERSION_NUMBER.
uint32_t interruptsync_version_number(void);

/// The sentence for the calling thread's latest failed call: the object, the operation, the cause, the errno's name,
/// and what to do. Empty before the first failure; a success does not change it. The library owns the text, which stays
/// the same until the thread's next failed call.
const char *interruptsync_last_error(void);

/// Adds a reference to any handle of this interface.
/// Errors: -EINVAL (not a live handle), -EOVERFLOW (2^31 references).
int interruptsync_retain(void *handle);

/// Removes a reference from any handle of this interface; the handle ends with its last reference. An object
/// disconnects with its last reference (P25, N12). You may call this inside the object's own routines: the library then
/// calls no further routine.
/// Errors: -EINVAL (not a live handle; a second release is detected).
int interruptsync_release(void *handle);

INTERRUPTSYNC_END

#endif
