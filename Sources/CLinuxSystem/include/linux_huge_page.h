// Floor 0: memory whose place in the machine stays: huge pages, pinned, and their physical addresses. MachineMemory
// calls it through MemoryOperation.swift, with its monitor held, on the thread that makes or releases a buffer: at
// PASSIVE level without an interrupt lock, as each call may wait for memory.
#ifndef LINUX_HUGE_PAGE_H
#define LINUX_HUGE_PAGE_H

#include "linux_attributes.h"

/// Maps one huge page of 2^`shift` bytes, zeros, which a forked child shares. Returns 0 or -errno: -ENOMEM when none is
/// free.
int linux_huge_page_map(unsigned shift, void *LINUX_NULLABLE *LINUX_NONNULL address);

/// Pins the pages, so that the kernel moves them no more (fact 61). Returns a descriptor that keeps them pinned, or
/// -errno: -EPERM, -ENOSYS or -EINVAL where there is no io_uring for the process, -ENOMEM beyond the limit of locked
/// memory, -EFAULT where the process gets no page.
int linux_memory_pin(void *LINUX_NONNULL address, size_t length);

/// Ends that at once, in every process that has the descriptor. Its last close does so, too, a moment later. Returns 0 or
/// -errno.
int linux_memory_unpin(int pin);

/// Where the pages are in the machine, if they are one piece. Returns 0 or -errno: -EPERM or -EACCES when the kernel hides
/// it from the process (fact 62), -EFAULT when a page is not in memory, -EXDEV when the pages are in several pieces.
int linux_memory_locate(const void *LINUX_NONNULL address, size_t length, uint64_t *LINUX_NONNULL physical);

#endif
