// What compilers call for each access under -fsanitize=thread, as the explorer's operations. Swift's and Debian's clang
// and gcc call the same functions.
#include "explorer.h"

#include <string.h>

#define ACCESS(size)                                                                                     \
  void __tsan_read##size(void *address);                                                                 \
  void __tsan_write##size(void *address);                                                                \
  void __tsan_unaligned_read##size(void *address);                                                       \
  void __tsan_unaligned_write##size(void *address);                                                      \
  void __tsan_read##size(void *address) { explorer_access(address, size, false); }                       \
  void __tsan_write##size(void *address) { explorer_access(address, size, true); }                       \
  void __tsan_unaligned_read##size(void *address) { explorer_access(address, size, false); }             \
  void __tsan_unaligned_write##size(void *address) { explorer_access(address, size, true); }

ACCESS(1)
ACCESS(2)
ACCESS(4)
ACCESS(8)
ACCESS(16)

void __tsan_init(void);
void __tsan_func_entry(void *caller);
void __tsan_func_exit(void);
void __tsan_read_range(void *address, unsigned long size);
void __tsan_write_range(void *address, unsigned long size);
void __tsan_init(void) {}
void __tsan_func_entry(void *caller) { (void)caller; }
void __tsan_func_exit(void) {}
void __tsan_read_range(void *address, unsigned long size) { explorer_access(address, size, false); }
void __tsan_write_range(void *address, unsigned long size) { explorer_access(address, size, true); }

static uint64_t replaced(uint64_t old, uint64_t new) { return (void)old, new; }
static uint64_t added(uint64_t old, uint64_t amount) { return old + amount; }
static uint64_t with(uint64_t old, uint64_t bits) { return old | bits; }
static uint64_t of(uint64_t old, uint64_t bits) { return old & bits; }

#define CHANGE(bits, name, change)                                                                               \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t value, int order); \
  uint##bits##_t __tsan_atomic##bits##_##name(volatile uint##bits##_t *address, uint##bits##_t value, int order) { \
    return (uint##bits##_t)explorer_change(address, bits / 8, change, value, order);                             \
  }

#define COMPARE(bits, strength)                                                                                   \
  int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *address, uint##bits##_t *expected, \
                                                        uint##bits##_t value, int order, int otherwise);          \
  int __tsan_atomic##bits##_compare_exchange_##strength(volatile uint##bits##_t *address, uint##bits##_t *expected, \
                                                        uint##bits##_t value, int order, int otherwise) {         \
    uint64_t seen = *expected;                                                                                    \
    bool is_changed = explorer_compare(address, bits / 8, &seen, value, order, otherwise);                        \
    *expected = (uint##bits##_t)seen;                                                                             \
    return is_changed;                                                                                            \
  }

#define ATOMIC(bits)                                                                                              \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order);                   \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order);            \
  uint##bits##_t __tsan_atomic##bits##_load(const volatile uint##bits##_t *address, int order) {                  \
    return (uint##bits##_t)explorer_load(address, bits / 8, order);                                               \
  }                                                                                                               \
  void __tsan_atomic##bits##_store(volatile uint##bits##_t *address, uint##bits##_t value, int order) {           \
    explorer_store(address, bits / 8, value, order);                                                              \
  }                                                                                                               \
  CHANGE(bits, exchange, replaced)                                                                                \
  CHANGE(bits, fetch_add, added)                                                                                  \
  CHANGE(bits, fetch_or, with)                                                                                    \
  CHANGE(bits, fetch_and, of)                                                                                     \
  COMPARE(bits, strong)                                                                                           \
  COMPARE(bits, weak)

ATOMIC(8)
ATOMIC(16)
ATOMIC(32)
ATOMIC(64)

void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order) { explorer_fence(order); }
