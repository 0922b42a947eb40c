// Floor 5: the ABI of version 0. The compiler alone reads this file: it checks the sizes with which programs were
// compiled. A struct grows only at its end; the library accepts its first size as the smallest. No code, so no thread
// and no lock.
#include "interruptsync.h"

#define CHECK(type, bytes) _Static_assert(sizeof(type) == (bytes), #type " has changed its size")

CHECK(interruptsync_device_info, 360);
CHECK(interruptsync_map_info, 112);
CHECK(interruptsync_port_range_info, 112);
CHECK(interruptsync_bar_info, 40);
CHECK(interruptsync_region_info, 216);
CHECK(interruptsync_line_info, 216);
CHECK(interruptsync_thread_attributes, 312);
CHECK(interruptsync_object_options, 80);
CHECK(interruptsync_report, 32);
CHECK(interruptsync_statistics, 152);
CHECK(interruptsync_registration_statistics, 24);
CHECK(interruptsync_lock_statistics, 24);
CHECK(interruptsync_histogram_bucket, 24);
CHECK(interruptsync_histogram, 72);
CHECK(interruptsync_group_statistics, 40);
CHECK(interruptsync_vfio_options, 32);
CHECK(interruptsync_vfio_info, 56);
CHECK(interruptsync_dma_info, 40);
CHECK(interruptsync_host, 152);
CHECK(interruptsync_driver, 56);
_Static_assert(sizeof(interruptsync_driver) <= INTERRUPTSYNC_DRIVER_ROOM, "a driver's room is too small");
