// Floor 5, room Kernel. Tagged pool: the process's heap, with a header before each block that remembers size and tag;
// and the file behind a software device's memory. Drivers call the pool on any thread up to DISPATCH_LEVEL,
// DeviceRanges.swift makes the file at PASSIVE_LEVEL. No lock is held. To free a block also ends the timers, DPCs and
// spin locks in it, which takes the locks of their tables for a moment.
#define _GNU_SOURCE
#include "isw/core.h"

#include <errno.h>
#include <stdio.h>
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

typedef struct {
  size_t size;
  // Where the heap's block begins; a cache-aligned one is not at the header.
  void *block;
  ULONG tag, magic;
} pool_header;

enum { MAGIC = 0x6c6f6f70, FREED = 0x64656572, ALIGNMENT = 64 };
_Static_assert(sizeof(pool_header) <= 32, "the header keeps blocks aligned");

static void report(PCSTR call, PCSTR rule, PCSTR message) { InterruptSyncReportViolation(call, rule, message); }

static PVOID allocate(PCSTR call, SIZE_T size, ULONG tag, bool paged, bool cache_aligned, bool clear) {
  if (!isw_require_irql(call, paged ? APC_LEVEL : DISPATCH_LEVEL) || size > SIZE_MAX / 2) return NULL;
  size_t lead = cache_aligned ? ALIGNMENT : 32;
  size_t whole = (lead + size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  char *block = cache_aligned ? aligned_alloc(ALIGNMENT, whole) : malloc(whole);
  if (!block) return NULL;
  pool_header *header = (pool_header *)(void *)(block + lead - 32);
  *header = (pool_header){.size = size, .block = block, .tag = tag, .magic = MAGIC};
  if (clear) memset(block + lead, 0, size);
  return block + lead;
}

PVOID ExAllocatePoolWithTag(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return allocate("ExAllocatePoolWithTag", NumberOfBytes, Tag, PoolType & PagedPool, PoolType & 4, false);
}

PVOID ExAllocatePoolZero(POOL_TYPE PoolType, SIZE_T NumberOfBytes, ULONG Tag) {
  return allocate("ExAllocatePoolZero", NumberOfBytes, Tag, PoolType & PagedPool, PoolType & 4, true);
}

PVOID ExAllocatePool(POOL_TYPE PoolType, SIZE_T NumberOfBytes) {
  return allocate("ExAllocatePool", NumberOfBytes, 0, PoolType & PagedPool, PoolType & 4, false);
}

PVOID ExAllocatePool2(POOL_FLAGS Flags, SIZE_T NumberOfBytes, ULONG Tag) {
  if (Tag == 0) return NULL;
  return allocate("ExAllocatePool2", NumberOfBytes, Tag, Flags & POOL_FLAG_PAGED, Flags & POOL_FLAG_CACHE_ALIGNED,
                  !(Flags & POOL_FLAG_UNINITIALIZED));
}

static void release(PCSTR call, PVOID memory, ULONG tag) {
  pool_header *header = (pool_header *)(void *)((char *)memory - 32);
  if (!memory || header->magic != MAGIC) {
    report(call, "pool", memory ? "not a block of the pool, or already freed" : "NULL");
    return;
  }
  if (tag && tag != header->tag) {
    char text[100];
    snprintf(text, sizeof text, "freed with tag 0x%08x, allocated with 0x%08x", tag, header->tag);
    report(call, "pool", text);
  }
  isw_require_irql(call, DISPATCH_LEVEL);
  isw_forget(memory, header->size);
  header->magic = FREED;
  free(header->block);
}

VOID ExFreePool(PVOID P) { release("ExFreePool", P, 0); }
VOID ExFreePoolWithTag(PVOID P, ULONG Tag) { release("ExFreePoolWithTag", P, Tag); }
