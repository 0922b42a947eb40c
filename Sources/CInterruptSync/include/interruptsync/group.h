// C interface, floor 5: groups. A group is one thread that dispatches for many lines. Programs make it, on the caller's
// thread at PASSIVE level without a lock, and name it when they make an object. The group's thread holds one object's
// interrupt lock at a time. Any thread reads a group's counters.
#ifndef INTERRUPTSYNC_GROUP_H
#define INTERRUPTSYNC_GROUP_H

#include "object.h"

INTERRUPTSYNC_BEGIN

/// Counters of a group's thread since its start. Each object counts its own dispatches.
typedef struct interruptsync_group_statistics {
  size_t size;
  /// Lines connected now.
  uint64_t lines;
  /// Times the thread polled instead of sleeping and found an interrupt, and times it found none.
  uint64_t spins_found;
  uint64_t spins_in_vain;
  /// Times it slept.
  uint64_t sleeps;
} interruptsync_group_statistics;

/// Starts a thread that dispatches for every object that names it as `group` in interruptsync_object_options. Each
/// object keeps its own lock, list, statistics, storm brake and re-arm. The cost of an interrupt does not grow with the
/// number of lines. A slow routine delays the group's other lines, and the disconnect of any of them. `name` appears in
/// messages and names the thread; NULL means "group". `attributes` NULL means the defaults. For each attribute that the
/// system refuses, `report`, which may be NULL, gets INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED with `object` NULL before
/// this returns. The thread ends after the last reference and the last object made with it. Level: PASSIVE.
/// Errors: -EAGAIN, -EMFILE or -ENOMEM (no thread or descriptor), -EINVAL, -E2BIG.
int interruptsync_group_create(const char *name, const interruptsync_thread_attributes *attributes,
                               interruptsync_report_handler report, void *context, interruptsync_group **group);

/// Errors: -EINVAL (also: `statistics->size` is not a size of this struct).
int interruptsync_group_get_statistics(interruptsync_group *group, interruptsync_group_statistics *statistics);

INTERRUPTSYNC_END

#endif
