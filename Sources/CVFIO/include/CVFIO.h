// Floor 0: VFIO's calls on containers, groups and devices, one function a call. Every error is a -errno; nothing here
// logs or decides. The target VFIO calls it where devices are opened, connected and returned: on any thread, never with
// an interrupt lock held. None of it lies between a count and its re-arm. The numbers V1 to V40 are of docs/vfio.md.
#ifndef CVFIO_H
#define CVFIO_H

#include "CLinuxSystem.h"

#include "cvfio_device.h"
#include "cvfio_dma.h"
#include "cvfio_group.h"
#include "cvfio_interrupt.h"

#endif
