// Interrupts as C++ drivers in Windows' shapes have them, for the benchmark: one software line with one connected
// object, whose routine raises the next interrupt.
#ifndef WINDOWS_SURFACE_H
#define WINDOWS_SURFACE_H

#include <stdint.h>

#pragma clang assume_nonnull begin

#ifdef __cplusplus
extern "C" {
#endif

typedef struct windows_surface windows_surface;

enum windows_shape { WINDOWS_PORTCLS, WINDOWS_WDM, WINDOWS_WDF };

/// NULL when the surface refused; its report says why.
windows_surface *_Nullable windows_surface_create(enum windows_shape shape);
void windows_surface_destroy(windows_surface *surface);
/// Raises the first interrupt; each then raises the next until `windows_surface_stop`.
void windows_surface_start(windows_surface *surface);
void windows_surface_stop(windows_surface *surface);
/// Serves so many interrupts, each of which raises the next, and returns after the last.
void windows_surface_serve(windows_surface *surface, uint64_t interrupts);
/// Interrupts served so far.
uint64_t windows_surface_served(windows_surface *surface);
/// Makes `calls` synchronized calls of a routine that counts.
void windows_surface_call(windows_surface *surface, uint64_t calls);
/// How many of them the routine counted.
uint64_t windows_surface_called(windows_surface *surface);

#ifdef __cplusplus
}
#endif

#pragma clang assume_nonnull end

#endif
