// Floor 0: one user of a device node among all processes of the machine. UIODevice calls it through NodeClaim.swift,
// when an object connects or disconnects and while a line is checked, on the caller's thread without an interrupt lock.
// Nothing waits, and no lock but that of the node is taken.
#ifndef LINUX_CLAIM_H
#define LINUX_CLAIM_H

#include "linux_attributes.h"

/// Claims the open file behind `fd`, which must be open for writing, for this process, until linux_claim_release() or
/// the last close of the open file.
///
/// Two locks together: one of the open file, which keeps out every other open file but is shared by processes that
/// share this one, as a forked child and the service manager do; and one of the process, which keeps them out and names
/// the holder.
/// The kernel takes the second back when the process closes any descriptor of the same node.
///
/// Returns 0; -EBUSY, and in `*holder` the id of the process that has it, or 0 if that is this one by another open file
/// or cannot be known; another -errno for files that take no locks.
int linux_claim_take(int fd, int32_t *LINUX_NONNULL holder);

void linux_claim_release(int fd);

#endif
