// Floor 0: the way to a device's descriptor through its container and group. Only this differs where the kernel offers
// IOMMUFD instead (V2). IOMMUGroup calls it through VFIOKernel.swift, with the monitor of the groups held, on the
// thread that opens a device: a program's, or `vfio-opener` in the daemon; no interrupt lock.
#ifndef CVFIO_GROUP_H
#define CVFIO_GROUP_H

#include "linux_attributes.h"

/// Whether every member of the group has a vfio driver or none. Returns 1, 0 or -errno.
int cvfio_group_is_viable(int group);

/// Puts the group into the container. -EINVAL when it is in one, or `container` is no container (V29; newer kernels: -EBADFD).
int cvfio_group_join(int group, int container);

/// Gives the container the IOMMU. -EPERM when the IOMMU does not remap interrupts (V6), -ENODEV without
/// vfio_iommu_type1 (V7).
int cvfio_container_use_iommu(int container);

/// Opens the function with this address, such as 0000:00:03.0. Returns its descriptor, close-on-exec, or -errno.
int cvfio_group_open_device(int group, const char *LINUX_NONNULL address);

#endif
