// Memory-mapped registers: one volatile access each, with the ordering that device memory needs. Any level. The
// addresses come from MmMapIoSpace; they are not checked against the device's presence.
#ifndef ISW_REGISTER_H
#define ISW_REGISTER_H

#include "types.h"

#if defined(__aarch64__)
#define ISW_AFTER_READ() __asm__ volatile("dmb oshld" ::: "memory")
#define ISW_BEFORE_WRITE() __asm__ volatile("dmb oshst" ::: "memory")
#elif defined(__x86_64__)
// Uncached memory is strongly ordered on x86; only the compiler has to be held.
#define ISW_AFTER_READ() __asm__ volatile("" ::: "memory")
#define ISW_BEFORE_WRITE() __asm__ volatile("" ::: "memory")
#else
#define ISW_AFTER_READ() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#define ISW_BEFORE_WRITE() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#define ISW_REGISTER(suffix, type)                                                                                \
  FORCEINLINE type READ_REGISTER_##suffix(volatile type *Register) {                                              \
    type value = *Register;                                                                                       \
    ISW_AFTER_READ();                                                                                             \
    return value;                                                                                                 \
  }                                                                                                               \
  FORCEINLINE VOID WRITE_REGISTER_##suffix(volatile type *Register, type Value) {                                 \
    ISW_BEFORE_WRITE();                                                                                           \
    *Register = Value;                                                                                            \
  }                                                                                                               \
  /* `Count` registers one after the other. */                                                                     \
  FORCEINLINE VOID READ_REGISTER_BUFFER_##suffix(volatile type *Register, type *Buffer, ULONG Count) {            \
    while (Count--) *Buffer++ = READ_REGISTER_##suffix(Register++);                                               \
  }                                                                                                               \
  FORCEINLINE VOID WRITE_REGISTER_BUFFER_##suffix(volatile type *Register, type *Buffer, ULONG Count) {           \
    while (Count--) WRITE_REGISTER_##suffix(Register++, *Buffer++);                                               \
  }

ISW_REGISTER(UCHAR, UCHAR)
ISW_REGISTER(USHORT, USHORT)
ISW_REGISTER(ULONG, ULONG)
ISW_REGISTER(ULONG64, ULONG64)
#undef ISW_REGISTER

#endif
