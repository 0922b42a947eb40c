// Floor 0: mapped registers that answer with a bus error, for up to 10 ms after a removal, and where a board has
// nothing at an address. The error is a signal, which would end the process. RegisterRegion calls it when it begins and
// ends, on any thread at PASSIVE level; the table of such memory has a mutex of its own.
#ifndef CUIO_BUS_ERROR_H
#define CUIO_BUS_ERROR_H

#include "linux_attributes.h"

/// From now on a bus error at an address in `length` bytes from `start` raises the flag (cuio_flag_is_up) and lets the
/// access go on, on memory in place of that page: reads get all ones, writes are lost. The first call installs a handler
/// of SIGBUS, which passes every other bus error on to the handler that was there. Returns 0 or -ENOMEM.
int cuio_bus_error_expect(void *LINUX_NONNULL start, size_t length, uint32_t *LINUX_NONNULL flag);

/// Ends that, before the memory is unmapped or the flag freed.
void cuio_bus_error_forget(void *LINUX_NONNULL start);

#endif
