// Floor 0: volatile device registers with the ordering that device memory needs: a read is complete before any access
// after it, a write comes after every write before it. The same strength as the kernel's readl() and writel().
// RegisterRegion calls it after its checks, DMABuffer for its fence: on any thread at any level, also in a routine. It
// takes no lock; only the interrupt lock orders several threads.
#ifndef CUIO_REGISTER_H
#define CUIO_REGISTER_H

#include "linux_attributes.h"

#if defined(__aarch64__)
// In assembler, because the compiler may fold a pointer's step into a volatile access: with such write-back
// addressing the processor does not describe the access to a hypervisor, which then cannot emulate the device.
#define CUIO_DEFINE_REGISTER(bits, suffix, operand)                                                               \
  LINUX_HOT static inline uint##bits##_t cuio_read##bits(const volatile void *LINUX_NONNULL address) {              \
    uint##bits##_t value;                                                                                         \
    __asm__ volatile("ldr" suffix " %" operand "0, %1\n\tdmb oshld"                                               \
                     : "=r"(value)                                                                                \
                     : "Q"(*(const volatile uint##bits##_t *)address)                                             \
                     : "memory");                                                                                 \
    return value;                                                                                                 \
  }                                                                                                               \
  LINUX_HOT static inline void cuio_write##bits(volatile void *LINUX_NONNULL address, uint##bits##_t value) {       \
    __asm__ volatile("dmb oshst\n\tstr" suffix " %" operand "1, %0"                                               \
                     : "=Q"(*(volatile uint##bits##_t *)address)                                                  \
                     : "r"(value)                                                                                 \
                     : "memory");                                                                                 \
  }
#else
#if defined(__x86_64__)
// Uncached memory is strongly ordered on x86; only the compiler has to be held.
#define CUIO_ORDER() __asm__ volatile("" ::: "memory")
#else
#define CUIO_ORDER() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif
#define CUIO_DEFINE_REGISTER(bits, suffix, operand)                                                               \
  LINUX_HOT static inline uint##bits##_t cuio_read##bits(const volatile void *LINUX_NONNULL address) {              \
    uint##bits##_t value = *(const volatile uint##bits##_t *)address;                                             \
    CUIO_ORDER();                                                                                                 \
    return value;                                                                                                 \
  }                                                                                                               \
  LINUX_HOT static inline void cuio_write##bits(volatile void *LINUX_NONNULL address, uint##bits##_t value) {       \
    CUIO_ORDER();                                                                                                 \
    *(volatile uint##bits##_t *)address = value;                                                                  \
  }
#endif

/// Memory that a device shares: what this thread wrote before is written, and what it reads afterwards is read, by the
/// time of its next access of a register or of that memory.
static inline void cuio_dma_fence(void) {
#if defined(__aarch64__)
  __asm__ volatile("dmb osh" ::: "memory");
#else
  __atomic_thread_fence(__ATOMIC_SEQ_CST);
#endif
}

CUIO_DEFINE_REGISTER(8, "b", "w")
CUIO_DEFINE_REGISTER(16, "h", "w")
CUIO_DEFINE_REGISTER(32, "", "w")
CUIO_DEFINE_REGISTER(64, "", "x")

/// Reads `width` bytes (1, 2 or 4) of a region through its file. Returns 0 or -errno; -EINVAL for
/// another width.
LINUX_HOT int cuio_port_read(int fd, uint64_t offset, uint32_t width, uint32_t *LINUX_NONNULL value);

/// Writes `width` bytes (1, 2 or 4) of a region through its file. Returns 0 or -errno; -EINVAL for
/// another width.
LINUX_HOT int cuio_port_write(int fd, uint64_t offset, uint32_t width, uint32_t value);

/// Maps `length` bytes of `fd` at `offset`, shared. Returns 0 or -errno.
int cuio_map(int fd, uint64_t offset, size_t length, bool writable, void *LINUX_NULLABLE *LINUX_NONNULL address);
int cuio_unmap(void *LINUX_NONNULL address, size_t length);

/// Takes a device's memory away from under whatever accesses it, and leaves memory there that answers with bus errors
/// (cuio_bus_error.h) until it is unmapped. Returns 0 or -errno.
int cuio_map_nothing(void *LINUX_NONNULL address, size_t length);

/// The running kernel's page size: 4, 16 or 64 KiB.
size_t cuio_page_size(void);

#endif
