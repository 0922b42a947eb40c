// Takes the place of the C library's allocator in the program it is linked into, and counts.
#ifndef MALLOC_COUNTER_H
#define MALLOC_COUNTER_H

#include <stdint.h>

/// Calls of malloc, calloc, realloc, free and their aligned kin so far, by any thread.
uint64_t malloc_counter_read(void);

#endif
