// Floor 5: what this target's C and its Swift half (WindowsInterrupts) call in each other. Not installed; drivers do
// not see it. The entries of ISRs run on the dispatcher with the interrupt lock held, that of DPCs on the deferred
// queues `dpc` and `threaded dpc` without it. The rest runs on the thread of the driver's or program's call. A gate
// takes the interrupt lock; fields say which lock guards them.
//
// The fast halves of KeSynchronizeExecution, CallSynchronizedRoutine and WdfInterruptSynchronize are C and go through a
// gate; each has a slow half in Swift, which says why the fast one could not go on, or does the work.
#ifndef ISW_CORE_H
#define ISW_CORE_H

#include <stdbool.h>

#include "../interruptsync_windows.h"
#include "../wdf.h"
#include "cuio_counter.h"
#include "cuio_lock.h"

ISW_BEGIN_C

/// A driver's KSERVICE_ROUTINE, called from the core's routine: everything that a call needs, in memory of its own.
typedef struct isw_isr {
  PKSERVICE_ROUTINE routine;
  PVOID context;
  PKINTERRUPT interrupt;
  /// The level that the routine runs at.
  KIRQL irql;
  /// 0 while reported inactive (K18). Changed under the interrupt's lock.
  UCHAR active;
  /// For a message: its routine, instead of `routine`, and its index (K14).
  PKMESSAGE_SERVICE_ROUTINE message_routine;
  ULONG message;
} isw_isr;

/// The core's routine for an isw_isr.
int32_t isw_isr_call(void *object, void *context);
/// The same for a message.
int32_t isw_message_call(void *object, void *context);
/// The core's deferred routine for a KDPC.
void isw_dpc_call(void *context, void *argument1, void *argument2);
/// Reports a routine that has not returned at the level that it was entered at (D5).
void isw_report_level(PCSTR call, KIRQL entered);
static inline void isw_check_level(PCSTR call, KIRQL entered) {
  if (!LINUX_LIKELY((KIRQL)cuio_thread_level() == entered)) isw_report_level(call, entered);
}

/// How a synchronized call reaches a lock without a look-up and without counting references.
typedef struct isw_gate {
  /// NULL while there is no interrupt. Cleared with the lock held. Its memory always remains a lock's, so that a caller
  /// that has read it may acquire it and check again.
  cuio_lock *lock;
  /// The counter of such calls; valid with the lock held.
  uint64_t *calls;
  /// The level of the routine, and the highest that callers may have (K2).
  KIRQL irql, limit;
} isw_gate;

/// Acquires the lock for a synchronized call, raises the level and counts the call. Returns the lock, for
/// cuio_lock_leave(lock, *level). NULL: it did nothing, and the slow half finds out why.
static inline cuio_lock *isw_gate_enter(const isw_gate *gate, int32_t *level) {
  cuio_lock *lock = __atomic_load_n(&gate->lock, __ATOMIC_ACQUIRE);
  *level = cuio_thread_level();
  if (!LINUX_LIKELY(lock && *level <= gate->limit)) return NULL;
  if (!LINUX_LIKELY(cuio_lock_acquire(lock) == 0)) return NULL;
  if (LINUX_LIKELY(__atomic_load_n(&gate->lock, __ATOMIC_RELAXED) == lock)) {
    cuio_counter_add(gate->calls, 1);
    cuio_thread_set_level(gate->irql);
    return lock;
  }
  cuio_lock_leave(lock, *level);
  return NULL;
}

/// The slow half of KeSynchronizeExecution: reports why it cannot run the routine, or runs it.
BOOLEAN isw_synchronize_slow(PKINTERRUPT interrupt, PKSYNCHRONIZE_ROUTINE routine, PVOID context);

/// PortCls' side of an interrupt: one line, a list of routines, a lock.
typedef struct isw_sync isw_sync;
typedef NTSTATUS (*isw_sync_routine)(void *sync, PVOID context);
/// `object` is the first argument of the routines. STATUS_NOT_FOUND for an unknown vector.
NTSTATUS isw_sync_create(ULONG vector, int32_t mode, void *object, isw_sync **sync, isw_gate *gate);
/// Disconnects, drains, and then calls `done(object)`: at once, or later if the caller cannot wait (N12).
void isw_sync_release(isw_sync *sync, void (*done)(void *));
NTSTATUS isw_sync_register(isw_sync *sync, isw_sync_routine routine, PVOID context, bool first);
NTSTATUS isw_sync_connect(isw_sync *sync);
void isw_sync_disconnect(isw_sync *sync);
/// The slow half of CallSynchronizedRoutine: reports why it cannot run the routine, or runs it.
NTSTATUS isw_sync_call(isw_sync *sync, isw_sync_routine routine, PVOID context);
PKINTERRUPT isw_sync_kinterrupt(isw_sync *sync);

/// Ends the DPCs, spin locks and timers that live in a block of memory.
void isw_forget(const void *address, size_t length);
/// Cancels the timers that are set in a block of memory, or have their DPC in it; returns their number.
ULONG isw_timers_forget(const void *address, size_t length);

/// Stops a device object's timer, waits for its routine, and frees it. PASSIVE_LEVEL.
void isw_io_timer_end(PDEVICE_OBJECT device);

/// A driver's spin lock without a change of level, at any level; refusals are reported for `call`.
void isw_spin_lock_acquire(PKSPIN_LOCK place, PCSTR call);
void isw_spin_lock_release(PKSPIN_LOCK place, PCSTR call);

/// Reports a call above `limit`; true if it is not above.
bool isw_require_irql(PCSTR call, KIRQL limit);

/// Writes a report to standard error.
void isw_print_report(PCSTR call, PCSTR rule, PCSTR message);
/// A file of `size` bytes in memory, or -errno.
int isw_memory_file(size_t size);

/// A resource list with room for `capacity` descriptors and none in it; ends with free().
PCM_RESOURCE_LIST isw_resources_new(ULONG capacity, INTERFACE_TYPE bus);
void isw_resources_add_interrupt(PCM_RESOURCE_LIST list, ULONG level, ULONG vector, USHORT flags);
void isw_resources_add_range(PCM_RESOURCE_LIST list, UCHAR type, ULONG64 start, ULONG length);

static inline void isw_store_lock(cuio_lock **place, cuio_lock *lock) {
  __atomic_store_n(place, lock, __ATOMIC_RELEASE);
}
static inline void *isw_load_pointer(void *const *place) { return __atomic_load_n(place, __ATOMIC_ACQUIRE); }
static inline void isw_store_pointer(void **place, void *value) { __atomic_store_n(place, value, __ATOMIC_RELEASE); }

/// An interrupt object's memory, which is never freed, so that a late use is detected.
struct _KINTERRUPT {
  void *object;
  isw_gate gate;
};

ISW_END_C

// The framework.

ISW_BEGIN_C

/// A context of an object; the driver's memory follows.
typedef struct isw_wdf_context {
  PCWDF_OBJECT_CONTEXT_TYPE_INFO type;
  struct isw_wdf_context *next;
  struct isw_wdf_object *owner;
  /// Bytes of it.
  size_t size;
} isw_wdf_context;

/// The memory that a handle points to. It is never freed, so that a late use is detected.
typedef struct isw_wdf_object {
  /// The Swift object, or NULL.
  void *object;
  /// Newest first. Only grows while the object lives.
  isw_wdf_context *contexts;
  /// In a WDFINTERRUPT without AutomaticSerialization: WdfInterruptSynchronize's way to the lock.
  isw_gate gate;
} isw_wdf_object;

/// Adds a cleared context of `size` bytes, or finds the existing one and sets `*existed`. NULL without memory.
isw_wdf_context *isw_wdf_add_context(isw_wdf_object *object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type, size_t size,
                                     bool *existed);
void isw_wdf_free_contexts(isw_wdf_object *object);

/// A WDFINTERRUPT's service routine, as context of its WDM interrupt.
typedef struct isw_wdf_isr {
  PFN_WDF_INTERRUPT_ISR routine;
  WDFINTERRUPT interrupt;
  /// The index of its message, 0 for a line (W13).
  ULONG message;
  /// Counts synchronize callbacks that went through the gate.
  uint64_t synchronized;
} isw_wdf_isr;
BOOLEAN isw_wdf_isr_call(PKINTERRUPT interrupt, PVOID context);
/// The slow half of WdfInterruptSynchronize: reports why it cannot run the callback, or runs it.
BOOLEAN isw_wdf_synchronize_slow(WDFINTERRUPT interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE callback, WDFCONTEXT context);

ISW_END_C

#endif
