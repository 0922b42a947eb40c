// C interface, floor 5: settings of the whole process, and the level of the calling thread. Any thread; no lock that
// a routine can hold.
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

/// Checked mode, for development and tests: a broken rule of levels or locks stops the process with the rule's sentence
/// instead of returning an error (N23). Off by default. Returns 0.
int interruptsync_set_checked(bool on);

/// Locks each page of the process in memory at its first use, pages that are mapped now and pages mapped later
/// (mlockall with MCL_ONFAULT), so that no page fault delays an interrupt.
/// Errors: -EPERM or -ENOMEM (raise RLIMIT_MEMLOCK; systemd: LimitMEMLOCK=infinity), -EINVAL.
int interruptsync_lock_memory(void);

/// Sets where interruptsync_device_list() and interruptsync_device_open() look for the kernel's files from now on: the
/// sysfs tree and the folder of the device nodes, without trailing slashes. For tests, and for containers that mount
/// them elsewhere. NULL means "/sys" and "/dev". Returns 0.
int interruptsync_set_roots(const char *sysfs, const char *devices);

INTERRUPTSYNC_END

#endif
