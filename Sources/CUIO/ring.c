// Floor 0: the rings behind cuio_ring.h. Dispatch.swift notes a record on the serving thread with the interrupt lock
// held, and puts it into a ring of this process without; the thread `observers` copies records into rings that other
// processes read, and a client takes them on its own thread. No lock is taken: each field has one writer. Never trust
// what another process wrote into a page.
#define _GNU_SOURCE
#include "cuio_ring.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "linux_clock.h"
#include "cuio_counter.h"
#include "linux_memory.h"
#include "cuio_thread_state.h"

_Static_assert(sizeof(cuio_ring_page) == 192, "each side has its own cache lines");
_Static_assert(sizeof(cuio_ring_entry) == 104, "the layout is the interface");

void cuio_ring_format(cuio_ring_page *page, uint64_t capacity) {
  *page = (cuio_ring_page){.magic = CUIO_RING_MAGIC,
                           .version = CUIO_RING_VERSION,
                           .entry_size = sizeof(cuio_ring_entry),
                           .capacity = capacity};
}

bool cuio_ring_is_valid(const cuio_ring_page *page, uint64_t size) {
  return size >= CUIO_RING_ENTRIES && page->magic == CUIO_RING_MAGIC && page->version == CUIO_RING_VERSION &&
         page->entry_size == sizeof(cuio_ring_entry) && page->capacity != 0 &&
         (page->capacity & (page->capacity - 1)) == 0 &&
         page->capacity <= (size - CUIO_RING_ENTRIES) / sizeof(cuio_ring_entry);
}

void cuio_ring_publish(cuio_ring **slot, cuio_ring *ring) { __atomic_store_n(slot, ring, __ATOMIC_RELEASE); }

// Whether there is room. A reader in another process may have written anything: what is more than the ring holds is a
// full ring.
static bool has_room(cuio_ring *ring) {
  if (ring->written - __atomic_load_n(&ring->page->read, __ATOMIC_ACQUIRE) <= ring->mask) return true;
  ring->dropped++;
  return false;
}

void cuio_ring_leave(cuio_ring *ring, cuio_lock *lock, int32_t level, uint64_t count, const uint64_t *total,
                     bool claimed) {
  uint64_t total_now = *total;
  cuio_lock_leave(lock, level);
  if (!ring) return;
  if (!has_room(ring)) {
    cuio_counter_set(&ring->page->dropped, ring->dropped);
    return;
  }
  cuio_ring_entry *entry = &ring->entries[ring->written & ring->mask];
  entry->count = count;
  entry->total = total_now;
  entry->time = linux_nanoseconds();
  entry->dropped = ring->dropped;
  entry->claimed = claimed;
  entry->captures = ring->captures;
  for (uint32_t i = 0; i < ring->captures; i++) entry->captured[i] = ring->noted[i];
  __atomic_store_n(&ring->page->written, ++ring->written, __ATOMIC_RELEASE);
  if (ring->bell) cuio_bell_ring(ring->bell);
}

uint64_t cuio_ring_written(const cuio_ring *ring) { return __atomic_load_n(&ring->page->written, __ATOMIC_SEQ_CST); }

uint64_t cuio_ring_waiting(const cuio_ring *ring, uint64_t *first) {
  uint64_t read = *first = __atomic_load_n(&ring->page->read, __ATOMIC_RELAXED);
  uint64_t waiting = cuio_ring_written(ring) - read;
  uint64_t straight = ring->mask + 1 - (read & ring->mask);
  return waiting < straight ? waiting : straight;
}

void cuio_ring_release(cuio_ring *ring, uint64_t count) {
  __atomic_store_n(&ring->page->read, __atomic_load_n(&ring->page->read, __ATOMIC_RELAXED) + count, __ATOMIC_RELEASE);
}

void cuio_ring_copy(cuio_ring *ring, const cuio_ring_entry *records, uint64_t count, uint64_t base,
                    uint64_t dropped) {
  for (uint64_t i = 0; i < count; i++) {
    if (!has_room(ring)) continue;
    cuio_ring_entry *entry = &ring->entries[ring->written & ring->mask];
    *entry = records[i];
    entry->dropped = ring->dropped + (records[i].dropped - base);
    __atomic_store_n(&ring->page->written, ++ring->written, __ATOMIC_RELEASE);
  }
  cuio_counter_set(&ring->page->dropped, ring->dropped + (dropped - base));
}

bool cuio_ring_must_wake(cuio_ring *ring) {
  // Ordered against the observer's flag and its second look: one of the two sees the other.
  __atomic_store_n(&ring->page->written, ring->written, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&ring->page->asleep, __ATOMIC_SEQ_CST) &&
         __atomic_exchange_n(&ring->page->asleep, 0, __ATOMIC_SEQ_CST);
}

void cuio_ring_end(cuio_ring *ring) { __atomic_store_n(&ring->page->ended, 1, __ATOMIC_RELEASE); }

bool cuio_ring_take(cuio_ring_page *page, const cuio_ring_entry *entries, uint64_t mask, cuio_ring_entry *entry) {
  uint64_t read = __atomic_load_n(&page->read, __ATOMIC_RELAXED);
  if (read == __atomic_load_n(&page->written, __ATOMIC_ACQUIRE)) return false;
  *entry = entries[read & mask];
  __atomic_store_n(&page->read, read + 1, __ATOMIC_RELEASE);
  return true;
}

bool cuio_ring_sleep(cuio_ring_page *page) {
  __atomic_store_n(&page->asleep, 1, __ATOMIC_SEQ_CST);
  return __atomic_load_n(&page->written, __ATOMIC_SEQ_CST) != __atomic_load_n(&page->read, __ATOMIC_RELAXED);
}

uint64_t cuio_ring_dropped(const cuio_ring_page *page) { return cuio_counter_read(&page->dropped); }

int cuio_ring_file(uint64_t capacity, cuio_ring_page **page) {
  size_t size = cuio_ring_size(capacity);
  // Neither side can take the memory from under the other.
  int fd = linux_memory_create("interruptsync-ring", size);
  if (fd < 0) return fd;
  void *mapped = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) {
    int error = errno;
    close(fd);
    return -error;
  }
  *page = mapped;
  cuio_ring_format(*page, capacity);
  return fd;
}

int cuio_ring_map(int fd, cuio_ring_page **page, uint64_t *size) {
  int seals = fcntl(fd, F_GET_SEALS);
  struct stat status;
  // EINVAL: a file that has no seals is no ring.
  if (seals < 0) return errno == EINVAL ? -EBADMSG : -errno;
  if (fstat(fd, &status) != 0) return -errno;
  if (!(seals & F_SEAL_SHRINK) || status.st_size < CUIO_RING_ENTRIES) return -EBADMSG;
  void *mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  if (mapped == MAP_FAILED) return -errno;
  if (!cuio_ring_is_valid(mapped, (uint64_t)status.st_size)) {
    munmap(mapped, (size_t)status.st_size);
    return -EBADMSG;
  }
  *page = mapped;
  *size = (uint64_t)status.st_size;
  return 0;
}

bool cuio_ring_has_ended(const cuio_ring_page *page) { return __atomic_load_n(&page->ended, __ATOMIC_ACQUIRE) != 0; }
