// Floor 0: marks shared by every header of floor 0 in C: which arguments may be nil, which branch is likely. Only
// macros, for any thread, without a lock; LINUX_HOT says which functions may run between a count's read and the re-arm,
// with the interrupt lock held.
#ifndef LINUX_ATTRIBUTES_H
#define LINUX_ATTRIBUTES_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// LINUX_HOT: may be called between the count's read and the re-arm. The Swift compiler then accepts the
// function in a caller that it proves free of allocation, reference counting and hidden locks.
#if defined(__clang__)
#define LINUX_HOT __attribute__((swift_attr("@_noLocks")))
#else
#define LINUX_HOT
#endif

#if defined(__clang__)
#define LINUX_NONNULL _Nonnull
#define LINUX_NULLABLE _Nullable
#else
#define LINUX_NONNULL
#define LINUX_NULLABLE
#endif

#define LINUX_LIKELY(x) __builtin_expect(!!(x), 1)

#endif
