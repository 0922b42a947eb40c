// Floor 0: memory that a container's devices may reach. DMASpace calls it through VFIOKernel.swift, with its monitor
// held, on the thread that makes or releases a buffer: at PASSIVE level without an interrupt lock, as the call pins
// pages and may wait for memory.
#ifndef CVFIO_DMA_H
#define CVFIO_DMA_H

#include "linux_attributes.h"

/// Lets the devices of the container reach `length` bytes of this process at `address`, as their addresses from `iova`
/// on. Returns 0 or -errno: -ENOMEM beyond the limit of locked memory (V34), -EEXIST where something is mapped,
/// -EINVAL for a place that the IOMMU does not offer or that is not a whole number of pages (V33).
int cvfio_dma_map(int container, void *LINUX_NONNULL address, uint64_t iova, size_t length, bool is_readable,
                  bool is_writable);

/// Ends a mapping. Addresses without one count as unmapped.
int cvfio_dma_unmap(int container, uint64_t iova, size_t length);

typedef struct cvfio_dma_range {
  uint64_t first;
  uint64_t last;
} cvfio_dma_range;

/// The addresses that the IOMMU offers to devices, lowest first. Returns how many ranges there are, which may be more
/// than `room`, or -errno.
int cvfio_dma_ranges(int container, cvfio_dma_range *LINUX_NONNULL ranges, size_t room);

#endif
