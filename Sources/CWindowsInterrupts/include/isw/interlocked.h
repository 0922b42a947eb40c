// Atomic operations, each a full barrier. Any thread, any level.
#ifndef ISW_INTERLOCKED_H
#define ISW_INTERLOCKED_H

#include "types.h"

#define ISW_INTERLOCKED(suffix, type)                                                                             \
  FORCEINLINE type InterlockedIncrement##suffix(type volatile *target) {                                          \
    return __atomic_add_fetch(target, 1, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                               \
  FORCEINLINE type InterlockedDecrement##suffix(type volatile *target) {                                          \
    return __atomic_sub_fetch(target, 1, __ATOMIC_SEQ_CST);                                                       \
  }                                                                                                               \
  FORCEINLINE type InterlockedExchange##suffix(type volatile *target, type value) {                               \
    return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);                                                  \
  }                                                                                                               \
  FORCEINLINE type InterlockedExchangeAdd##suffix(type volatile *target, type value) {                            \
    return __atomic_fetch_add(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  FORCEINLINE type InterlockedAdd##suffix(type volatile *target, type value) {                                    \
    return __atomic_add_fetch(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  FORCEINLINE type InterlockedAnd##suffix(type volatile *target, type value) {                                    \
    return __atomic_fetch_and(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  FORCEINLINE type InterlockedOr##suffix(type volatile *target, type value) {                                     \
    return __atomic_fetch_or(target, value, __ATOMIC_SEQ_CST);                                                    \
  }                                                                                                               \
  FORCEINLINE type InterlockedXor##suffix(type volatile *target, type value) {                                    \
    return __atomic_fetch_xor(target, value, __ATOMIC_SEQ_CST);                                                   \
  }                                                                                                               \
  /* The value before; it was exchanged if that equals `comparand`. */                                            \
  FORCEINLINE type InterlockedCompareExchange##suffix(type volatile *target, type value, type comparand) {        \
    __atomic_compare_exchange_n(target, &comparand, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);                \
    return comparand;                                                                                             \
  }

ISW_INTERLOCKED(, LONG)
ISW_INTERLOCKED(64, LONGLONG)
#undef ISW_INTERLOCKED

FORCEINLINE PVOID InterlockedExchangePointer(PVOID volatile *target, PVOID value) {
  return __atomic_exchange_n(target, value, __ATOMIC_SEQ_CST);
}

FORCEINLINE PVOID InterlockedCompareExchangePointer(PVOID volatile *target, PVOID value, PVOID comparand) {
  __atomic_compare_exchange_n(target, &comparand, value, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
  return comparand;
}

/// Sets bit `bit`; its value before.
FORCEINLINE BOOLEAN InterlockedBitTestAndSet(LONG volatile *base, LONG bit) {
  ULONG mask = 1u << (bit & 31);
  return ((ULONG)__atomic_fetch_or(base + bit / 32, (LONG)mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

FORCEINLINE BOOLEAN InterlockedBitTestAndReset(LONG volatile *base, LONG bit) {
  ULONG mask = 1u << (bit & 31);
  return ((ULONG)__atomic_fetch_and(base + bit / 32, (LONG)~mask, __ATOMIC_SEQ_CST) & mask) != 0;
}

FORCEINLINE VOID KeMemoryBarrier(VOID) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }
#define MemoryBarrier() KeMemoryBarrier()

#endif
