// Floor 5, room Framework. What an ISR calls of the framework. interrupt.c calls the entry of its ISR on the
// dispatcher, with the interrupt lock held. Drivers call the fast half of WdfInterruptSynchronize, which takes that
// lock, up to DISPATCH_LEVEL, and look up contexts at any level. FrameworkObject.swift adds contexts, and frees them
// when the object ends; until then the list only grows, so that a look-up needs no lock.
#include "isw/core.h"

#include <stdlib.h>

BOOLEAN isw_wdf_isr_call(PKINTERRUPT interrupt, PVOID context) {
  (void)interrupt;
  isw_wdf_isr *isr = context;
  return isr->routine(isr->interrupt, isr->message);
}

BOOLEAN WdfInterruptSynchronize(WDFINTERRUPT Interrupt, PFN_WDF_INTERRUPT_SYNCHRONIZE Callback, WDFCONTEXT Context) {
  isw_wdf_object *object = (isw_wdf_object *)(void *)Interrupt;
  int32_t level;
  cuio_lock *lock = object && Callback ? isw_gate_enter(&object->gate, &level) : NULL;
  if (!LINUX_LIKELY(lock)) return isw_wdf_synchronize_slow(Interrupt, Callback, Context);
  KIRQL irql = object->gate.irql;
  BOOLEAN result = Callback(Interrupt, Context);
  isw_check_level("EvtInterruptSynchronize", irql);
  cuio_lock_leave(lock, level);
  return result;
}

static isw_wdf_context *find(isw_wdf_object *object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type) {
  isw_wdf_context *context = __atomic_load_n(&object->contexts, __ATOMIC_ACQUIRE);
  while (context && context->type != type) context = context->next;
  return context;
}

PVOID WdfObjectGetTypedContextWorker(WDFOBJECT Handle, PCWDF_OBJECT_CONTEXT_TYPE_INFO TypeInfo) {
  isw_wdf_object *object = Handle;
  if (!object || !__atomic_load_n(&object->object, __ATOMIC_RELAXED)) {
    InterruptSyncReportViolation("WdfObjectGetTypedContext", "N27", "the handle is NULL or its object has ended");
    return NULL;
  }
  isw_wdf_context *context = find(object, TypeInfo->UniqueType);
  return context ? context + 1 : NULL;
}

WDFOBJECT WdfObjectContextGetObject(PVOID ContextPointer) {
  return ContextPointer ? ((isw_wdf_context *)ContextPointer - 1)->owner : NULL;
}

isw_wdf_context *isw_wdf_add_context(isw_wdf_object *object, PCWDF_OBJECT_CONTEXT_TYPE_INFO type, size_t size,
                                     bool *existed) {
  isw_wdf_context *made = calloc(1, sizeof *made + size);
  if (!made) return NULL;
  made->type = type->UniqueType;
  made->owner = object;
  made->size = size;
  isw_wdf_context *seen = __atomic_load_n(&object->contexts, __ATOMIC_ACQUIRE);
  do {
    // Searches again after every failed exchange: another thread may have added the same type.
    isw_wdf_context *present = find(object, type->UniqueType);
    *existed = present != NULL;
    if (present) {
      free(made);
      return present;
    }
    made->next = seen;
  } while (!__atomic_compare_exchange_n(&object->contexts, &seen, made, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE));
  return made;
}

void isw_wdf_free_contexts(isw_wdf_object *object) {
  isw_wdf_context *context = __atomic_exchange_n(&object->contexts, NULL, __ATOMIC_ACQ_REL);
  while (context) {
    isw_wdf_context *next = context->next;
    isw_forget(context + 1, context->size);
    free(context);
    context = next;
  }
}
