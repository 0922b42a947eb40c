// One thread that dispatches for many lines.
#ifndef INTERRUPTSYNC_GROUP_H
#define INTERRUPTSYNC_GROUP_H

#include "object.h"

INTERRUPTSYNC_BEGIN

/// Counters of a group's thread since it was made. Those of dispatches are the objects'.
typedef struct interruptsync_group_statistics {
  size_t size;
  /// Lines connected now.
  uint64_t lines;
  /// Times the thread looked again instead of sleeping and met an interrupt, and times it met none.
  uint64_t spins_found;
  uint64_t spins_in_vain;
  /// Times it slept.
  uint64_t sleeps;
} interruptsync_group_statistics;

/// Starts a thread that dispatches for every object made with it as `group` of interruptsync_object_options. Each
/// object keeps its own lock, list, statistics, storm brake and re-arm; what an interrupt costs does not grow with the
/// number of lines. A routine that takes long delays the group's other lines, and disconnecting any of them. `name`
/// is for messages and the thread; NULL for "group". `attributes` NULL for defaults. `report`, which may be NULL, gets
/// INTERRUPTSYNC_REPORT_ATTRIBUTE_REFUSED for each attribute that the system refused, with `object` NULL, before this
/// returns. The thread ends once the last reference and the last object made with it have gone. Level: PASSIVE.
/// Errors: -EAGAIN, -EMFILE or -ENOMEM (no thread or descriptor), -EINVAL, -E2BIG.
int interruptsync_group_create(const char *name, const interruptsync_thread_attributes *attributes,
                               interruptsync_report_handler report, void *context, interruptsync_group **group);

/// Errors: -EINVAL (also: `statistics->size` is not one of this struct).
int interruptsync_group_get_statistics(interruptsync_group *group, interruptsync_group_statistics *statistics);

INTERRUPTSYNC_END

#endif
