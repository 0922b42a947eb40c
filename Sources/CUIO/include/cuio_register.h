// Volatile device registers with the ordering that device memory needs: a read is complete before anything
// after it, a write comes after everything before it. The same strength as the kernel's readl() and writel().
#ifndef CUIO_REGISTER_H
#define CUIO_REGISTER_H

#include "cuio_attributes.h"

#if defined(__aarch64__)
#define CUIO_AFTER_READ() __asm__ volatile("dmb oshld" ::: "memory")
#define CUIO_BEFORE_WRITE() __asm__ volatile("dmb oshst" ::: "memory")
#elif defined(__x86_64__)
// Uncached memory is strongly ordered on x86; only the compiler has to be held.
#define CUIO_AFTER_READ() __asm__ volatile("" ::: "memory")
#define CUIO_BEFORE_WRITE() __asm__ volatile("" ::: "memory")
#else
#define CUIO_AFTER_READ() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define CUIO_BEFORE_WRITE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#define CUIO_DEFINE_REGISTER(bits)                                                                                \
  CUIO_HOT static inline uint##bits##_t cuio_read##bits(const volatile void *CUIO_NONNULL address) {              \
    uint##bits##_t value = *(const volatile uint##bits##_t *)address;                                             \
    CUIO_AFTER_READ();                                                                                            \
    return value;                                                                                                 \
  }                                                                                                               \
  CUIO_HOT static inline void cuio_write##bits(volatile void *CUIO_NONNULL address, uint##bits##_t value) {       \
    CUIO_BEFORE_WRITE();                                                                                          \
    *(volatile uint##bits##_t *)address = value;                                                                  \
  }

CUIO_DEFINE_REGISTER(8)
CUIO_DEFINE_REGISTER(16)
CUIO_DEFINE_REGISTER(32)
CUIO_DEFINE_REGISTER(64)

/// Reads `width` bytes (1, 2 or 4) of an I/O BAR through its sysfs resource file. Returns 0 or -errno.
CUIO_HOT int cuio_port_read(int fd, uint64_t offset, uint32_t width, uint32_t *CUIO_NONNULL value);

/// Writes `width` bytes (1, 2 or 4) of an I/O BAR through its sysfs resource file. Returns 0 or -errno.
CUIO_HOT int cuio_port_write(int fd, uint64_t offset, uint32_t width, uint32_t value);

/// Maps `length` bytes of `fd` at `offset`, shared. Returns 0 or -errno.
int cuio_map(int fd, uint64_t offset, size_t length, bool writable, void *CUIO_NULLABLE *CUIO_NONNULL address);
int cuio_unmap(void *CUIO_NONNULL address, size_t length);

/// The running kernel's page size: 4, 16 or 64 KiB.
size_t cuio_page_size(void);

#endif
