// Handles, errors, version.
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

/// The version this header belongs to; see interruptsync_version().
#define INTERRUPTSYNC_VERSION_MAJOR 0
#define INTERRUPTSYNC_VERSION_MINOR 1
#define INTERRUPTSYNC_VERSION_PATCH 0
#define INTERRUPTSYNC_VERSION_NUMBER                                                                                   \
  (INTERRUPTSYNC_VERSION_MAJOR * 10000 + INTERRUPTSYNC_VERSION_MINOR * 100 + INTERRUPTSYNC_VERSION_PATCH)

/// A struct of this header with its size set and everything else zero:
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

/// An open UIO device.
typedef struct interruptsync_device interruptsync_device;
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

/// The library's version as text, "0.1.0". The text lives for ever.
const char *interruptsync_version(void);

/// The library's version as a number: major * 10000 + minor * 100 + patch. Compare with INTERRUPTSYNC_VERSION_NUMBER.
uint32_t interruptsync_version_number(void);

/// The sentence that belongs to the calling thread's latest failed call: object, operation, cause, the errno's name,
/// and what to do about it. Empty before the first failure; a success does not change it. The text belongs to the
/// library and stays as it is until the thread's next failed call.
const char *interruptsync_last_error(void);

/// Adds a reference to any handle of this header.
/// Errors: -EINVAL (not a live handle), -EOVERFLOW (2^31 references).
int interruptsync_retain(void *handle);

/// Takes a reference from any handle of this header; with the last one the handle ends. The last reference of an
/// object disconnects it (P25, N12). Allowed inside the object's own routines: then no further routine is called.
/// Errors: -EINVAL (not a live handle, so releasing twice is found out).
int interruptsync_release(void *handle);

INTERRUPTSYNC_END

#endif
