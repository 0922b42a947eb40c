// The handles that the C interface gives out, and what it remembers of each thread.
//
// A handle is not an address: it holds a slot's index, the slot's generation and the kind of thing it names, so that
// NULL, a released handle, one of another kind and most stray pointers are told apart from a live one without touching
// what they might point at. Slots are never given back to the system.
#ifndef HANDLE_TABLE_H
#define HANDLE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__clang__)
#define HANDLE_NULLABLE _Nullable
#define HANDLE_NONNULL _Nonnull
#else
#define HANDLE_NULLABLE
#define HANDLE_NONNULL
#endif

// As many handles as can live at once. A table of its own in zeroed memory, of which only what is used takes room: one
// load less than a table that grows.
#define HANDLE_LIMIT 65536u

struct handle_slot {
  // Changes when the handle ends, which is what makes it stale. 0 in a slot that was never used.
  uint32_t generation;
  // Of an ended or free slot the next one's index.
  uint32_t references;
  // What it names: a counted reference of Swift's.
  void *HANDLE_NULLABLE object;
  // Where calls through the handle go directly, which spares them the way through the object.
  void *HANDLE_NULLABLE target;
  void *HANDLE_NULLABLE reserved;
};

struct handle_thread {
  // Calls through interrupt handles that the thread is inside of.
  uint32_t calls;
  // First of the slots whose handles ended meanwhile, by index; 0 for none.
  uint32_t ended;
};

extern struct handle_slot handle_slots[HANDLE_LIMIT];
// Initial-exec: the library is loaded with the program as a rule, and the block is small enough for dlopen's reserve.
extern __thread struct handle_thread handle_thread __attribute__((tls_model("initial-exec")));

// The slot of a live handle of `kind`, or NULL.
static inline struct handle_slot *HANDLE_NULLABLE handle_slot_of(const void *HANDLE_NULLABLE handle, uint32_t kind) {
  uint64_t bits = (uint64_t)(uintptr_t)handle;
  if ((bits & 0xff0000ff) != kind) return NULL;
  struct handle_slot *slot = handle_slots + (bits >> 8 & (HANDLE_LIMIT - 1));
  return __atomic_load_n(&slot->generation, __ATOMIC_ACQUIRE) == bits >> 32 ? slot : NULL;
}

// What a live handle of `kind` names, or NULL.
static inline void *HANDLE_NULLABLE handle_object(const void *HANDLE_NULLABLE handle, uint32_t kind) {
  struct handle_slot *slot = handle_slot_of(handle, kind);
  return slot == NULL ? NULL : __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
}

// The same for where its calls go.
static inline void *HANDLE_NULLABLE handle_target(const void *HANDLE_NULLABLE handle, uint32_t kind) {
  struct handle_slot *slot = handle_slot_of(handle, kind);
  return slot == NULL ? NULL : __atomic_load_n(&slot->target, __ATOMIC_RELAXED);
}

static inline uint32_t handle_kind(const void *HANDLE_NULLABLE handle) { return (uint32_t)(uintptr_t)handle & 0xff; }

// A call through an interrupt handle begins. What it runs under may be released inside it, and must last until its end.
static inline uint32_t handle_call_begins(void) {
  uint32_t outer = handle_thread.calls;
  handle_thread.calls = outer + 1;
  return outer;
}

// It ends; `outer` is what its beginning gave. True when handles ended inside it and no other call is on the stack.
static inline bool handle_call_ends(uint32_t outer) {
  handle_thread.calls = outer;
  return __builtin_expect(handle_thread.ended != 0, 0) && outer == 0;
}

// A new handle with one reference that names nothing yet, or NULL when there are too many.
void *HANDLE_NULLABLE handle_reserve(uint32_t kind);

// Lets a reserved handle name `object`, with the reference that the handle then owns. `target` must last as long.
void handle_publish(void *HANDLE_NONNULL handle, void *HANDLE_NONNULL object, void *HANDLE_NULLABLE target);

// Adds a reference. 0, -EINVAL or -EOVERFLOW.
int handle_retain(void *HANDLE_NULLABLE handle);

// Takes a reference. Returns 0 or -EINVAL. `*object` is what is to be released with the last one, or NULL: there are
// more, or the thread is inside such a call and handle_next_ended() will give it.
int handle_release(void *HANDLE_NULLABLE handle, void *HANDLE_NULLABLE *HANDLE_NONNULL object);

// What a handle named that ended inside such a call of the thread's, one at a time; NULL at the end.
void *HANDLE_NULLABLE handle_next_ended(void);

// The thread's latest error text: at most 1,023 bytes, cut between characters.
void handle_set_error(const char *HANDLE_NONNULL text);
const char *HANDLE_NONNULL handle_get_error(void);

#endif
