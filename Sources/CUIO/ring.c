#include "cuio_ring.h"

#include "cuio_clock.h"
#include "cuio_counter.h"
#include "cuio_thread_state.h"

void cuio_ring_put(cuio_ring *ring, uint64_t count, uint64_t total, bool claimed) {
  uint64_t now = cuio_nanoseconds();
  for (; ring; ring = ring->next) {
    uint64_t written = __atomic_load_n(&ring->written, __ATOMIC_RELAXED);
    if (written - __atomic_load_n(&ring->read, __ATOMIC_ACQUIRE) > ring->mask) {
      cuio_counter_add(&ring->dropped, 1);
      continue;
    }
    ring->entries[written & ring->mask] = (cuio_ring_entry){
        .count = count, .total = total, .time = now, .dropped = cuio_counter_read(&ring->dropped), .claimed = claimed};
    // Ordered against the reader's flag and its second look: one of the two sees the other.
    __atomic_store_n(&ring->written, written + 1, __ATOMIC_SEQ_CST);
    if (__atomic_load_n(&ring->asleep, __ATOMIC_SEQ_CST) && __atomic_exchange_n(&ring->asleep, 0, __ATOMIC_SEQ_CST))
      cuio_thread_wake(ring->wake_fd);
  }
}

bool cuio_ring_take(cuio_ring *ring, cuio_ring_entry *entry) {
  uint64_t read = __atomic_load_n(&ring->read, __ATOMIC_RELAXED);
  if (read == __atomic_load_n(&ring->written, __ATOMIC_ACQUIRE)) return false;
  *entry = ring->entries[read & ring->mask];
  __atomic_store_n(&ring->read, read + 1, __ATOMIC_RELEASE);
  return true;
}

bool cuio_ring_sleep(cuio_ring *ring) {
  __atomic_store_n(&ring->asleep, 1, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&ring->written, __ATOMIC_SEQ_CST) != __atomic_load_n(&ring->read, __ATOMIC_RELAXED);
}

uint64_t cuio_ring_dropped(const cuio_ring *ring) { return cuio_counter_read(&ring->dropped); }
