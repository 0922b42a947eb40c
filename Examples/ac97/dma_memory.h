// Memory that a bus master can reach, without a kernel driver for it: one huge page, whose physical address is in
// /proc/self/pagemap. What this takes, and what it does not give:
//
//  - root: other users read physical addresses as 0 (CAP_SYS_ADMIN);
//  - a free huge page of 2 MB: `echo 1 >/proc/sys/vm/nr_hugepages`. Small pages that mlock keeps in memory do less:
//    compaction may still move them to another physical address;
//  - no IOMMU that translates (none, or iommu=pt): the device uses the address as it is;
//  - so nothing keeps the device from other memory. It must have stopped before this memory is given back; a program
//    that is killed loses its memory a moment before the kernel turns bus mastering off (fact 45);
//  - a bus that snoops caches, as PCs have.
//
// VFIO has none of these limits.
#ifndef AC97_DMA_MEMORY_H
#define AC97_DMA_MEMORY_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

class DmaMemory {
 public:
  static constexpr size_t Size = 2 << 20;

  ~DmaMemory() {
    if (m_Address) munmap(m_Address, Size);
  }

  /// False, with a sentence on standard error, when there is none. The memory is cleared.
  bool Allocate() {
    // Shared, so that copy-on-write after a fork cannot move it.
    int flags = MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE | MAP_HUGETLB | 21 << MAP_HUGE_SHIFT;
    void *address = mmap(nullptr, Size, PROT_READ | PROT_WRITE, flags, -1, 0);
    if (address == MAP_FAILED) return Failed("no huge page of 2 MB", "echo 1 >/proc/sys/vm/nr_hugepages", errno);
    m_Address = static_cast<unsigned char *>(address);
    // An entry of 64 bits for each small page: bits 0 to 54 are its number, bit 63 says that it is in memory.
    size_t page = static_cast<size_t>(sysconf(_SC_PAGESIZE));
    uint64_t entry = 0;
    int file = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
    ssize_t length = pread(file, &entry, sizeof entry, static_cast<off_t>(uintptr_t(address) / page * sizeof entry));
    if (length != ssize_t(sizeof entry)) return Failed("/proc/self/pagemap", "is /proc mounted?", errno);
    close(file);
    m_Physical = (entry & ((1ull << 55) - 1)) * page;
    if (!(entry >> 63) || m_Physical == 0) return Failed("its physical address is hidden", "run as root", EPERM);
    if (m_Physical + Size > 1ull << 32) return Failed("it lies above 4 GB", "boot with hugepages=1", ERANGE);
    return true;
  }

  void *At(size_t offset) const { return m_Address + offset; }
  /// Below 4 GB.
  uint32_t Physical(size_t offset) const { return static_cast<uint32_t>(m_Physical + offset); }

 private:
  unsigned char *m_Address = nullptr;
  uint64_t m_Physical = 0;

  static bool Failed(const char *what, const char *hint, int error) {
    fprintf(stderr, "DMA memory: %s: %s; %s\n", what, strerror(error), hint);
    return false;
  }
};

#endif
