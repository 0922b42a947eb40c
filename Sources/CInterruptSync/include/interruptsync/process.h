// What concerns the whole process or the calling thread.
#ifndef INTERRUPTSYNC_PROCESS_H
#define INTERRUPTSYNC_PROCESS_H

#include "base.h"

INTERRUPTSYNC_BEGIN

/// Levels (N23, D5).
enum {
  INTERRUPTSYNC_PASSIVE = 0,
  INTERRUPTSYNC_DISPATCH = 2,
  INTERRUPTSYNC_DEVICE = 3,
};

/// The calling thread's level.
int interruptsync_level(void);

/// Checked mode: a broken rule of levels and locks stops the process with the rule's sentence instead of being an error
/// to the caller (N23). For development and tests. Off at first. Returns 0.
int interruptsync_set_checked(bool on);

/// Locks the process's memory as it is touched, what is mapped now and later (mlockall with MCL_ONFAULT), so that no
/// page fault delays an interrupt.
/// Errors: -EPERM or -ENOMEM (raise RLIMIT_MEMLOCK; systemd: LimitMEMLOCK=infinity), -EINVAL.
int interruptsync_lock_memory(void);

/// Where interruptsync_device_list() and interruptsync_device_open() look for the kernel's files from now on: the tree
/// of sysfs and the folder of the device nodes, without trailing slashes. For tests, and for containers that see them
/// elsewhere. NULL stands for "/sys" and "/dev". Returns 0.
int interruptsync_set_roots(const char *sysfs, const char *devices);

INTERRUPTSYNC_END

#endif
