// Floor 0: VFIO_DEVICE_SET_IRQS in the forms that are used. VFIOVectors calls it through VFIOKernel.swift with its
// monitor held, on any thread that connects, disconnects, brakes or ends a line; VFIODevice without a lock, where a
// device is opened. Never with an interrupt lock held.
#include "cvfio_interrupt.h"

#include <linux/vfio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#define IS_NUMBER(ours, kernels) _Static_assert((int)(ours) == (int)(kernels), "the kernel's number")
IS_NUMBER(CVFIO_INTX, VFIO_PCI_INTX_IRQ_INDEX);
IS_NUMBER(CVFIO_MSI, VFIO_PCI_MSI_IRQ_INDEX);
IS_NUMBER(CVFIO_MSIX, VFIO_PCI_MSIX_IRQ_INDEX);
IS_NUMBER(CVFIO_ERROR, VFIO_PCI_ERR_IRQ_INDEX);
IS_NUMBER(CVFIO_REQUEST, VFIO_PCI_REQ_IRQ_INDEX);

int cvfio_interrupt_count(int device, cvfio_index index) {
  struct vfio_irq_info info = {.argsz = sizeof info, .index = (uint32_t)index};
  if (ioctl(device, VFIO_DEVICE_GET_IRQ_INFO, &info) == 0) return (int)info.count;
  // A function that is not PCIe has no errors to report (V11).
  return index == CVFIO_ERROR && errno == EINVAL ? 0 : -errno;
}

static int set(int device, struct vfio_irq_set *request) {
  return ioctl(device, VFIO_DEVICE_SET_IRQS, request) == 0 ? 0 : -errno;
}

static int set_nothing(int device, cvfio_index index, uint32_t action, uint32_t start, uint32_t count) {
  struct vfio_irq_set request = {.argsz = sizeof request,
                                 .flags = VFIO_IRQ_SET_DATA_NONE | action,
                                 .index = (uint32_t)index,
                                 .start = start,
                                 .count = count};
  return set(device, &request);
}

static int set_events(int device, cvfio_index index, uint32_t action, uint32_t start, uint32_t count,
                      const int32_t *events) {
  size_t length = sizeof(struct vfio_irq_set) + count * sizeof *events;
  struct vfio_irq_set *request = malloc(length);
  if (!request) return -ENOMEM;
  *request = (struct vfio_irq_set){.argsz = (uint32_t)length,
                                   .flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
                                   .index = (uint32_t)index,
                                   .start = start,
                                   .count = count};
  memcpy(request->data, events, count * sizeof *events);
  int result = set(device, request);
  free(request);
  return result;
}

int cvfio_interrupt_arm(int device, cvfio_index index, uint32_t start, uint32_t count, const int32_t *events) {
  return set_events(device, index, VFIO_IRQ_SET_ACTION_TRIGGER, start, count, events);
}

int cvfio_interrupt_enable(int device, cvfio_index index, uint32_t count) {
  int32_t *holes = malloc((count + 1) * sizeof *holes);
  if (!holes) return -ENOMEM;
  for (uint32_t i = 0; i < count; i++) holes[i] = -1;
  int result = cvfio_interrupt_arm(device, index, 0, count, holes);
  free(holes);
  return result;
}

int cvfio_interrupt_disable(int device, cvfio_index index) {
  return set_nothing(device, index, VFIO_IRQ_SET_ACTION_TRIGGER, 0, 0);
}

int cvfio_interrupt_trigger(int device, cvfio_index index, uint32_t vector) {
  return set_nothing(device, index, VFIO_IRQ_SET_ACTION_TRIGGER, vector, 1);
}

int cvfio_interrupt_mask(int device, bool is_masked) {
  return set_nothing(device, CVFIO_INTX, is_masked ? VFIO_IRQ_SET_ACTION_MASK : VFIO_IRQ_SET_ACTION_UNMASK, 0, 1);
}

int cvfio_interrupt_unmask_by(int device, int event) {
  int32_t number = event;
  return set_events(device, CVFIO_INTX, VFIO_IRQ_SET_ACTION_UNMASK, 0, 1, &number);
}
