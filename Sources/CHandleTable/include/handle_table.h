// Floor 5. The handles of the C interface, and each thread's latest error. InterruptSyncC calls this; any thread, any
// level. A look-up takes no lock; a mutex guards the list of free slots.
//
// A handle is not an address. It holds a slot's index, the slot's generation and the kind of the object that it names.
// A look-up can therefore tell NULL, a released handle, a handle of another kind and most stray pointers from a live
// handle, without touching the memory at which they might point. Slots are never returned to the system.
//
// A target of its own: the daemon includes CInterruptSync for driver.h alone, and should not carry the table.
#ifndef HANDLE_TABLE_H
#define HANDLE_TABLE_H

#include "linux_process.h"

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

// The number of handles that can live at once. The table lies in zeroed memory, of which only the used pages take room.
// That saves a load against a table that grows.
#define HANDLE_LIMIT 65536u

struct handle_slot {
  // The live handle; in an ended or free slot the next generation alone, which is no handle: each has a kind. 0 in a slot
  // that was never used. A look-up is thus one comparison.
  uint64_t handle;
  // Where calls through the handle go directly, without the way through the object. Handles of one kind have it.
  void *HANDLE_NULLABLE target;
  // The object that it names: a counted reference of Swift's.
  void *HANDLE_NULLABLE object;
  // In an ended or free slot, the index of the next one.
  uint32_t references;
  // The process that made the handle, as linux_process_generation() counts.
  uint32_t process;
};

struct handle_thread {
  // The number of calls through interrupt handles that the thread is inside.
  uint32_t calls;
  // The index of the first slot whose handle ended meanwhile; 0 for none.
  uint32_t ended;
};

extern struct handle_slot handle_slots[HANDLE_LIMIT];
// Initial-exec: the library is loaded with the program as a rule, and the block is small enough for dlopen's reserve.
extern __thread struct handle_thread handle_thread __attribute__((tls_model("initial-exec")));

static inline uint32_t handle_kind(const void *HANDLE_NULLABLE handle) { return (uint32_t)(uintptr_t)handle & 0xff; }

// The slot of a live handle, or NULL; for NULL the slot that is never used.
static inline struct handle_slot *HANDLE_NULLABLE handle_slot_of(const void *HANDLE_NULLABLE handle) {
  uint64_t bits = (uint64_t)(uintptr_t)handle;
  struct handle_slot *slot = handle_slots + (bits >> 8 & (HANDLE_LIMIT - 1));
  return LINUX_LIKELY(__atomic_load_n(&slot->handle, __ATOMIC_ACQUIRE) == bits) ? slot : NULL;
}

// The object that a live handle of `kind` names, or NULL.
static inline void *HANDLE_NULLABLE handle_object(const void *HANDLE_NULLABLE handle, uint32_t kind) {
  struct handle_slot *slot = handle_slot_of(handle);
  return slot == NULL || handle_kind(handle) != kind ? NULL : __atomic_load_n(&slot->object, __ATOMIC_RELAXED);
}

// The target of its calls, or NULL. A handle of another kind has none.
static inline void *HANDLE_NULLABLE handle_target(const void *HANDLE_NULLABLE handle) {
  struct handle_slot *slot = handle_slot_of(handle);
  return slot == NULL ? NULL : __atomic_load_n(&slot->target, __ATOMIC_RELAXED);
}

// The generation of the process that made a live handle, if that is an earlier one than the caller's: a forked child has
// its parent's handles. Else 0.
static inline uint32_t handle_inherited_from(const void *HANDLE_NULLABLE handle) {
  uint32_t made = handle_slots[(uint64_t)(uintptr_t)handle >> 8 & (HANDLE_LIMIT - 1)].process;
  return __builtin_expect(made != linux_process_generation(), 0) ? made : 0;
}

// Begins a call through an interrupt handle. The routine may release the interrupt, which must last until the call
// ends.
static inline uint32_t handle_call_begins(void) {
  uint32_t outer = handle_thread.calls;
  handle_thread.calls = outer + 1;
  return outer;
}

// Ends the call; `outer` is the result of its beginning. True if handles ended inside it and no other call is on the
// stack.
static inline bool handle_call_ends(uint32_t outer) {
  handle_thread.calls = outer;
  return __builtin_expect(handle_thread.ended != 0, 0) && outer == 0;
}

// A new handle with one reference that names nothing yet; NULL if there are too many.
void *HANDLE_NULLABLE handle_reserve(uint32_t kind);

// Makes a reserved handle name `object`, whose reference the handle then owns. `target` must last as long.
void handle_publish(void *HANDLE_NONNULL handle, void *HANDLE_NONNULL object, void *HANDLE_NULLABLE target);

// Adds a reference. 0, -EINVAL or -EOVERFLOW.
int handle_retain(void *HANDLE_NULLABLE handle);

// Removes a reference. Returns 0 or -EINVAL. After the last one, `*object` is the object for the caller to release. It
// is NULL while there are more references, and if the thread is inside such a call: handle_next_ended() returns it
// later.
int handle_release(void *HANDLE_NULLABLE handle, void *HANDLE_NULLABLE *HANDLE_NONNULL object);

// The next object whose handle ended inside such a call of the thread; NULL at the end.
void *HANDLE_NULLABLE handle_next_ended(void);

// The thread's latest error text: at most 1,023 bytes, cut between characters.
void handle_set_error(const char *HANDLE_NONNULL text);
const char *HANDLE_NONNULL handle_get_error(void);

#endif
