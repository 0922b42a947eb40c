// Floor 0: the IOMMU's mappings of a container. DMASpace calls it through VFIOKernel.swift, with its monitor held, on
// the thread that makes or releases a buffer: at PASSIVE level without an interrupt lock, as the call may wait for
// memory.
#include "cvfio_dma.h"

#include <linux/vfio.h>
#include <stdlib.h>
#include <sys/ioctl.h>

int cvfio_dma_map(int container, void *address, uint64_t iova, size_t length, bool is_readable, bool is_writable) {
  struct vfio_iommu_type1_dma_map map = {
      .argsz = sizeof map,
      .flags = (is_readable ? VFIO_DMA_MAP_FLAG_READ : 0) | (is_writable ? VFIO_DMA_MAP_FLAG_WRITE : 0),
      .vaddr = (uintptr_t)address,
      .iova = iova,
      .size = length};
  return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) == 0 ? 0 : -errno;
}

int cvfio_dma_unmap(int container, uint64_t iova, size_t length) {
  struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof unmap, .iova = iova, .size = length};
  return ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) == 0 ? 0 : -errno;
}

// The kernel writes capabilities behind its answer, as far as there is room, and always says how much there should be.
static struct vfio_iommu_type1_info *container_info(int container) {
  uint32_t length = sizeof(struct vfio_iommu_type1_info);
  for (;;) {
    struct vfio_iommu_type1_info *info = calloc(1, length);
    if (!info) {
      errno = ENOMEM;
      return NULL;
    }
    info->argsz = length;
    if (ioctl(container, VFIO_IOMMU_GET_INFO, info) == 0 && info->argsz <= length) return info;
    uint32_t wanted = info->argsz;
    free(info);
    if (wanted <= length) return NULL;
    length = wanted;
  }
}

static int copy_ranges(const struct vfio_iommu_type1_info_cap_iova_range *list, cvfio_dma_range *ranges, size_t room) {
  for (uint32_t i = 0; i < list->nr_iovas && i < room; i++)
    ranges[i] = (cvfio_dma_range){list->iova_ranges[i].start, list->iova_ranges[i].end};
  return (int)list->nr_iovas;
}

int cvfio_dma_ranges(int container, cvfio_dma_range *ranges, size_t room) {
  struct vfio_iommu_type1_info *info = container_info(container);
  if (!info) return -errno;
  int found = -EOPNOTSUPP;
  uint32_t offset = info->flags & VFIO_IOMMU_INFO_CAPS ? info->cap_offset : 0;
  while (offset != 0 && found < 0) {
    const struct vfio_info_cap_header *header = (const void *)((const char *)info + offset);
    if (header->id == VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE) found = copy_ranges((const void *)header, ranges, room);
    offset = header->next;
  }
  free(info);
  return found;
}
