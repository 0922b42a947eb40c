// Never run: access.sh examines the machine code of these functions.
#include "cuio_register.h"

#define PROBE(bits)                                                                                             \
  uint##bits##_t probe_read##bits(const volatile void *address);                                                \
  void probe_write##bits(volatile void *address, uint##bits##_t value);                                         \
  uint##bits##_t probe_sum##bits(const volatile uint##bits##_t *address, size_t count);                         \
  void probe_fill##bits(volatile uint##bits##_t *address, size_t count);                                        \
  uint##bits##_t probe_read##bits(const volatile void *address) { return cuio_read##bits(address); }            \
  void probe_write##bits(volatile void *address, uint##bits##_t value) { cuio_write##bits(address, value); }    \
  uint##bits##_t probe_sum##bits(const volatile uint##bits##_t *address, size_t count) {                        \
    uint##bits##_t sum = 0;                                                                                     \
    for (size_t i = 0; i < count; i++) sum = (uint##bits##_t)(sum + cuio_read##bits(address++));                \
    return sum;                                                                                                 \
  }                                                                                                             \
  void probe_fill##bits(volatile uint##bits##_t *address, size_t count) {                                       \
    for (size_t i = 0; i < count; i++) cuio_write##bits(address++, 0);                                          \
  }

PROBE(8)
PROBE(16)
PROBE(32)
PROBE(64)

// Two accesses of one register are two accesses, and neighbours are not joined.
uint32_t probe_twice(const volatile uint32_t *address);
uint32_t probe_twice(const volatile uint32_t *address) {
  (void)cuio_read32(address);
  return cuio_read32(address);
}

void probe_neighbours(volatile uint32_t *address);
void probe_neighbours(volatile uint32_t *address) {
  cuio_write32(address, 0);
  cuio_write32(address + 1, 0);
}
