// Floor 5: the slots with their free list, and each thread's latest error. InterruptSyncC calls it, in Handles.swift,
// Objects.swift, Results.swift and Process.swift, on any thread at any level. A mutex guards the free list and is held
// for nothing else; a look-up takes no lock; an error belongs to its thread.
#include "handle_table.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct handle_slot handle_slots[HANDLE_LIMIT];
__thread struct handle_thread handle_thread __attribute__((tls_model("initial-exec")));

#define ERROR_ROOM 1024u

// A thread's first failure allocates it, and the thread's end frees it: the library's thread-local block stays small.
static __thread char *error_text;
static pthread_key_t error_key;

__attribute__((constructor)) static void make_error_key(void) { pthread_key_create(&error_key, free); }

// Guards the free list, and nothing else happens while it is held.
static pthread_mutex_t table = PTHREAD_MUTEX_INITIALIZER;
// The first free slot, and the first that was never used, by index. Slot 0 is unused: 0 ends a list.
static uint32_t free_slot;
static uint32_t unused_slot = 1;

static uint32_t index_of(const struct handle_slot *slot) { return (uint32_t)(slot - handle_slots); }

// With the table's lock held. NULL if none is left.
static struct handle_slot *take_slot(void) {
  if (free_slot != 0) {
    struct handle_slot *slot = handle_slots + free_slot;
    free_slot = slot->references;
    return slot;
  }
  if (unused_slot == HANDLE_LIMIT) return NULL;
  struct handle_slot *slot = handle_slots + unused_slot++;
  slot->handle = UINT64_C(1) << 32;
  return slot;
}

void *handle_reserve(uint32_t kind) {
  pthread_mutex_lock(&table);
  struct handle_slot *slot = take_slot();
  pthread_mutex_unlock(&table);
  if (slot == NULL) return NULL;
  __atomic_store_n(&slot->references, 1, __ATOMIC_RELAXED);
  slot->process = linux_process_generation();
  uint64_t handle = slot->handle | (uint64_t)index_of(slot) << 8 | kind;
  __atomic_store_n(&slot->handle, handle, __ATOMIC_RELEASE);
  return (void *)(uintptr_t)handle;
}

void handle_publish(void *handle, void *object, void *target) {
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return;
  __atomic_store_n(&slot->target, target, __ATOMIC_RELEASE);
  __atomic_store_n(&slot->object, object, __ATOMIC_RELEASE);
}

int handle_retain(void *handle) {
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return -EINVAL;
  uint32_t seen = __atomic_load_n(&slot->references, __ATOMIC_RELAXED);
  do {
    if (seen == 0) return -EINVAL;
    if (seen >= INT32_MAX) return -EOVERFLOW;
  } while (!__atomic_compare_exchange_n(&slot->references, &seen, seen + 1, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED));
  return 0;
}

// In a forked child a thread that does not exist may have the mutex; the child has but one thread yet.
static void free_the_list(void) { pthread_mutex_init(&table, NULL); }

__attribute__((constructor)) static void watch_forks(void) { linux_process_on_fork(free_the_list); }

static void *take_object(struct handle_slot *slot) {
  void *object = slot->object;
  __atomic_store_n(&slot->object, NULL, __ATOMIC_RELAXED);
  __atomic_store_n(&slot->target, NULL, __ATOMIC_RELAXED);
  pthread_mutex_lock(&table);
  slot->references = free_slot;
  free_slot = index_of(slot);
  pthread_mutex_unlock(&table);
  return object;
}

int handle_release(void *handle, void **object) {
  *object = NULL;
  struct handle_slot *slot = handle_slot_of(handle);
  if (slot == NULL) return -EINVAL;
  uint32_t seen = __atomic_load_n(&slot->references, __ATOMIC_RELAXED);
  do {
    if (seen == 0) return -EINVAL;
  } while (!__atomic_compare_exchange_n(&slot->references, &seen, seen - 1, true, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
  if (seen > 1) return 0;
  // Generation 0 is never used, so that no free slot is like one that was never used.
  uint32_t next = (uint32_t)(slot->handle >> 32) + 1;
  __atomic_store_n(&slot->handle, (uint64_t)(next == 0 ? 1 : next) << 32, __ATOMIC_RELEASE);
  if (handle_thread.calls > 0) {
    slot->references = handle_thread.ended;
    handle_thread.ended = index_of(slot);
  } else {
    *object = take_object(slot);
  }
  return 0;
}

void *handle_next_ended(void) {
  if (handle_thread.ended == 0) return NULL;
  struct handle_slot *slot = handle_slots + handle_thread.ended;
  handle_thread.ended = slot->references;
  return take_object(slot);
}

void handle_set_error(const char *text) {
  if (error_text == NULL) {
    error_text = malloc(ERROR_ROOM);
    if (error_text == NULL) return;
    pthread_setspecific(error_key, error_text);
  }
  size_t length = strlen(text);
  if (length >= ERROR_ROOM) {
    length = ERROR_ROOM - 1;
    while (length > 0 && ((unsigned char)text[length] & 0xc0) == 0x80) length--;
  }
  memcpy(error_text, text, length);
  error_text[length] = 0;
}

const char *handle_get_error(void) { return error_text == NULL ? "" : error_text; }
