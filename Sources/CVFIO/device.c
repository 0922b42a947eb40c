// Floor 0: a device's regions and reset. VFIODevice calls it through VFIOKernel.swift at PASSIVE level: without a lock
// on the thread that opens the device, with the device's monitor held on the one that opens a region or resets it.
// Never with an interrupt lock held: a reset may wait.
#include "cvfio_device.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>

_Static_assert((int)CVFIO_REGION_CONFIGURATION == (int)VFIO_PCI_CONFIG_REGION_INDEX, "the kernel's number");

int cvfio_device_can_reset(int device) {
  struct vfio_device_info info = {.argsz = sizeof info};
  if (ioctl(device, VFIO_DEVICE_GET_INFO, &info) != 0) return -errno;
  return (info.flags & VFIO_DEVICE_FLAGS_RESET) != 0;
}

int cvfio_device_reset(int device) { return ioctl(device, VFIO_DEVICE_RESET) == 0 ? 0 : -errno; }

int cvfio_device_region(int device, uint32_t index, cvfio_region *region) {
  struct vfio_region_info info = {.argsz = sizeof info, .index = index};
  if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info) != 0) return -errno;
  *region = (cvfio_region){
      .size = info.size, .offset = info.offset, .is_mappable = (info.flags & VFIO_REGION_INFO_FLAG_MMAP) != 0};
  return 0;
}
