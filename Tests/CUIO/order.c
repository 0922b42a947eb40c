// Never run: order.sh examines the machine code of these functions, whose bodies are inline.
#include "CUIO.h"

bool probe_flag_is_up(const uint32_t *flag);
void probe_flag_raise(uint32_t *flag);
void probe_counter_add(uint64_t *counter);
int32_t probe_lock_enter(cuio_lock *lock);
void probe_lock_leave(cuio_lock *lock, int32_t level);

bool probe_flag_is_up(const uint32_t *flag) { return cuio_flag_is_up(flag); }
void probe_flag_raise(uint32_t *flag) { cuio_flag_raise(flag); }
void probe_counter_add(uint64_t *counter) { cuio_counter_add(counter, 1); }
int32_t probe_lock_enter(cuio_lock *lock) { return cuio_lock_enter(lock, NULL); }
void probe_lock_leave(cuio_lock *lock, int32_t level) { cuio_lock_leave(lock, level); }
