// Floor 0: containers and groups. IOMMUGroup calls it through VFIOKernel.swift, with the monitor of the groups held, on
// the thread that opens a device: a program's, or `vfio-opener` in the daemon. No interrupt lock is held; a call may
// wait for the kernel.
#include "cvfio_group.h"

#include <linux/vfio.h>
#include <sys/ioctl.h>

int cvfio_group_is_viable(int group) {
  struct vfio_group_status status = {.argsz = sizeof status};
  if (ioctl(group, VFIO_GROUP_GET_STATUS, &status) != 0) return -errno;
  return (status.flags & VFIO_GROUP_FLAGS_VIABLE) != 0;
}

int cvfio_group_join(int group, int container) {
  return ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) == 0 ? 0 : -errno;
}

int cvfio_container_use_iommu(int container) {
  return ioctl(container, VFIO_SET_IOMMU, (unsigned long)VFIO_TYPE1v2_IOMMU) == 0 ? 0 : -errno;
}

int cvfio_group_open_device(int group, const char *address) {
  // The kernel makes it close-on-exec.
  int device = ioctl(group, VFIO_GROUP_GET_DEVICE_FD, address);
  return device >= 0 ? device : -errno;
}
