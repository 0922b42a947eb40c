// Floor 0: marks shared by every header of CLinuxSystem and CUIO. Only macros; CUIO_HOT says which functions may run
// between a count's read and the re-arm, with the interrupt lock held.
#ifndef CUIO_ATTRIBUTES_H
#define CUIO_ATTRIBUTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// CUIO_HOT: may be called between the count's read and the re-arm. The Swift compiler then accepts the
// function in a caller that it proves free of allocation, reference counting and hidden locks.
#if defined(__clang__)
#define CUIO_HOT __attribute__((swift_attr("@_noLocks")))
#else
#define CUIO_HOT
#endif

#if defined(__clang__)
#define CUIO_NONNULL _Nonnull
#define CUIO_NULLABLE _Nullable
#else
#define CUIO_NONNULL
#define CUIO_NULLABLE
#endif

#define CUIO_LIKELY(x) __builtin_expect(!!(x), 1)

#endif
