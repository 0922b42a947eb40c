// Between this target's C and the Swift of the framework. Not for drivers.
#ifndef ISW_WDF_CORE_H
#define ISW_WDF_CORE_H

#include "../core.h"
#include "../../wdf.h"

ISW_BEGIN_C

/// A context of an object; the driver's memory follows.
typedef struct isw_wdf_context {
  PCWDF_OBJECT_CONTEXT_TYPE_INFO type;
  struct isw_wdf_context *next;
  struct isw_wdf_object *owner;
  /// Bytes of it.
  size_t size;
} isw_wdf_context;

/// What a handle points to. Its memory is kept when the object ends, so that a late use can be told.
typedef struct isw_wdf_object {
  /// The Swift object, or NULL.
  void *object;
  /// Newest first. Only grows while the object lives.
  isw_wdf_context *contexts;
  /// Of a WDFINTERRUPT without AutomaticSerialization: WdfInterruptSynchronize's way to the lock.
  isw_gate gate;
} isw_wdf_object;

/// Adds a cleared context of `size` bytes, or finds the one that is there and says so. NULL without memory.
isw_wdf_context *isw_wdf_add_context(isw_wdf_object *object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type, size_t size,
                                     bool *existed);
void isw_wdf_free_contexts(isw_wdf_object *object);

/// A WDFINTERRUPT's service routine, for the interrupt that stands behind it.
typedef struct isw_wdf_isr {
  PFN_WDF_INTERRUPT_ISR routine;
  WDFINTERRUPT interrupt;
  /// Synchronize callbacks that went through the gate.
  uint64_t synchronized;
} isw_wdf_isr;
BOOLEAN isw_wdf_isr_call(PKINTERRUPT interrupt, PVOID context);
/// What WdfInterruptSynchronize could not do through the gate: says why, or does it after all.
BOOLEAN isw_wdf_synchronize_slow(WDFINTERRUPT interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE callback, WDFCONTEXT context);

ISW_END_C

#endif
