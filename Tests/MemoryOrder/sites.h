// Included before each file of Sources that is explored: every atomic operation says where it stands before it is
// executed. Its operands come first, as they may hold operations, too.
#ifndef SITES_H
#define SITES_H

void explorer_at(const char *file, const char *function, const char *operation, int line, int order);
void explorer_fence(int order);

#define SITE(operation, order) explorer_at(__FILE__, __func__, operation, __LINE__, order)
#define VALUE(place, value) __typeof__(*(place)) value_ = (value)

#define __atomic_load_n(place, order) __extension__({ SITE("load", order); __atomic_load_n(place, order); })
#define __atomic_store_n(place, value, order) \
  __extension__({ VALUE(place, value); SITE("store", order); __atomic_store_n(place, value_, order); })
#define __atomic_exchange_n(place, value, order) \
  __extension__({ VALUE(place, value); SITE("exchange", order); __atomic_exchange_n(place, value_, order); })
#define __atomic_fetch_or(place, value, order) \
  __extension__({ VALUE(place, value); SITE("or", order); __atomic_fetch_or(place, value_, order); })
#define __atomic_fetch_add(place, value, order) \
  __extension__({ VALUE(place, value); SITE("add", order); __atomic_fetch_add(place, value_, order); })
#define __atomic_fetch_and(place, value, order) \
  __extension__({ VALUE(place, value); SITE("and", order); __atomic_fetch_and(place, value_, order); })
#define __atomic_compare_exchange_n(place, expected, value, weak, order, otherwise)        \
  __extension__({                                                                          \
    VALUE(place, value);                                                                   \
    SITE("compare", order);                                                                \
    __atomic_compare_exchange_n(place, expected, value_, weak, order, otherwise);          \
  })
// The sanitizer of gcc knows no fences.
#define __atomic_thread_fence(order) (SITE("fence", order), explorer_fence(order))

#endif
