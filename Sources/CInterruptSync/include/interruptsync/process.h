// C interface, floor 5: settings of the whole process, and the level of the calling thread. Programs call it, on any
// thread, and at any level except where a comment says otherwise. No interrupt lock is taken.
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

/// Compares the processors of every thread and interrupt of the process with those that their attributes ask for, and
/// puts back what differs, for instance after a processor was offline or another program moved an interrupt. Call it
/// about once a second from an ordinary thread. The report handler of the object that it belongs to, or of the first of a
/// group's, gets INTERRUPTSYNC_REPORT_AFFINITY_RESTORED, or once INTERRUPTSYNC_REPORT_AFFINITY_LOST if it cannot be put
/// back. Threads that serve no line have no report. Returns how many were put back or found lost; 0 while another thread
/// is in this call. Level: PASSIVE.
int interruptsync_restore_affinities(void);

/// Sets where interruptsync_device_list() and interruptsync_device_open() look for the kernel's files from now on: the
/// sysfs tree and the folder of the device nodes, without trailing slashes. For tests, and for containers that mount
/// them elsewhere. NULL means "/sys" and "/dev". Returns 0.
int interruptsync_set_roots(const char *sysfs, const char *devices);

INTERRUPTSYNC_END

#endif
