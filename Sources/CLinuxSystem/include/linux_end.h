// Floor 0: an open file that ends while other threads still use its number. FileDescriptor+End.swift calls it for VFIO:
// on the thread that opens a device, on `vfio notices`, and on the one that closes the group. It takes no lock; VFIO's
// monitors may be held, an interrupt lock never.
#ifndef LINUX_END_H
#define LINUX_END_H

#include "linux_attributes.h"

/// The reading end of a pipe without a writer: every read finds the end of the file, poll(2) finds it hung up.
/// Returns it, non-blocking and close-on-exec, or -errno.
int linux_end_create(void);

/// Closes the file behind `fd` and puts that of `other` in its place, close-on-exec. Calls that are under way finish on
/// the file that they began with. Returns 0 or -errno.
int linux_end_replace(int fd, int other);

#endif
