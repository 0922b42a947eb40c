#define _GNU_SOURCE
// Raw resource lists, as a bus driver fills them.
#include "isw/core.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

int isw_memory_file(size_t size) {
  int fd = memfd_create("software device", MFD_CLOEXEC);
  if (fd < 0) return -errno;
  if (ftruncate(fd, (off_t)size) == 0) return fd;
  int error = errno;
  close(fd);
  return -error;
}

PCM_RESOURCE_LIST isw_resources_new(ULONG capacity, INTERFACE_TYPE bus) {
  size_t length = sizeof(CM_RESOURCE_LIST) + capacity * sizeof(CM_PARTIAL_RESOURCE_DESCRIPTOR);
  PCM_RESOURCE_LIST list = calloc(1, length);
  if (!list) return NULL;
  list->Count = 1;
  list->List[0].InterfaceType = bus;
  list->List[0].PartialResourceList.Version = 1;
  list->List[0].PartialResourceList.Revision = 1;
  return list;
}

static PCM_PARTIAL_RESOURCE_DESCRIPTOR next(PCM_RESOURCE_LIST list, UCHAR type) {
  PCM_PARTIAL_RESOURCE_LIST partial = &list->List[0].PartialResourceList;
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = &partial->PartialDescriptors[partial->Count++];
  entry->Type = type;
  return entry;
}

void isw_resources_add_interrupt(PCM_RESOURCE_LIST list, ULONG level, ULONG vector, bool latched) {
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = next(list, CmResourceTypeInterrupt);
  entry->ShareDisposition = CmResourceShareShared;
  entry->Flags = latched ? CM_RESOURCE_INTERRUPT_LATCHED : CM_RESOURCE_INTERRUPT_LEVEL_SENSITIVE;
  entry->u.Interrupt.Level = level;
  entry->u.Interrupt.Vector = vector;
  entry->u.Interrupt.Affinity = ~(KAFFINITY)0;
}

void isw_resources_add_range(PCM_RESOURCE_LIST list, UCHAR type, ULONG64 start, ULONG length) {
  PCM_PARTIAL_RESOURCE_DESCRIPTOR entry = next(list, type);
  entry->ShareDisposition = CmResourceShareDeviceExclusive;
  entry->Flags = type == CmResourceTypePort ? CM_RESOURCE_PORT_IO : CM_RESOURCE_MEMORY_READ_WRITE;
  entry->u.Generic.Start.QuadPart = (LONGLONG)start;
  entry->u.Generic.Length = length;
}
