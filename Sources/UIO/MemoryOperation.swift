// What memory for a device takes of the machine without an IOMMU, call by call, so that tests can
// answer in the kernel's place, and what each error number means. Numbers in comments are the facts
// of docs/uio.md. Floor 3; MachineMemory calls it with its monitor held, on the thread that makes
// or releases a buffer: at PASSIVE_LEVEL without an interrupt lock, as each call may wait for
// memory.
import CLinuxSystem
package import DeviceIdentity
import Glibc
package import LinuxSystem

/// The kernel's memory, or what a test has instead. Every call answers 0 or -errno unless it says
/// otherwise.
package protocol MemoryKernel: Sendable {
  /// Maps one huge page of so many bytes.
  func map(_ size: Int, _ start: inout UnsafeMutableRawPointer?) -> Int32
  /// Keeps it where it is. A descriptor that does, or -errno.
  func pin(_ page: UnsafeMutableRawBufferPointer) -> Int32
  /// Ends that at once, for all processes that have the descriptor.
  func unpin(_ pin: FileDescriptor)
  /// Its physical address.
  func locate(_ page: UnsafeMutableRawBufferPointer, _ address: inout UInt64) -> Int32
  func unmap(_ page: UnsafeMutableRawBufferPointer)
}

/// The kernel itself.
package struct SystemMemory: MemoryKernel {
  package init() {}

  package func map(_ size: Int, _ start: inout UnsafeMutableRawPointer?) -> Int32 {
    unsafe linux_huge_page_map(UInt32(size.trailingZeroBitCount), &start)
  }

  package func pin(_ page: UnsafeMutableRawBufferPointer) -> Int32 {
    guard let start = page.baseAddress else { return -EINVAL }
    return unsafe linux_memory_pin(start, page.count)
  }

  package func unpin(_ pin: FileDescriptor) { _ = linux_memory_unpin(pin.raw) }

  package func locate(_ page: UnsafeMutableRawBufferPointer, _ address: inout UInt64) -> Int32 {
    guard let start = page.baseAddress else { return -EINVAL }
    return unsafe linux_memory_locate(start, page.count, &address)
  }

  package func unmap(_ page: UnsafeMutableRawBufferPointer) {
    if let start = page.baseAddress { unsafe munmap(start, page.count) }
  }
}

/// An operation of it, with the meaning of each error number it can answer.
package enum MemoryOperation: String, CaseIterable, DeviceOperation {
  case map = "map a huge page"
  case pin = "pin a huge page"
  case locate = "find the physical address of a huge page"

  package static let reserveHint =
    "reserve some: echo 8 >/proc/sys/vm/nr_hugepages, or hugepages=8 on the kernel's command line"

  package func meaning(_ number: Int32) -> Meaning {
    switch (self, number) {
    case (.map, ENOMEM):  // 60
      (.resourcesExhausted, "the machine has no free huge page", Self.reserveHint)
    case (.pin, EPERM), (.pin, EACCES):  // 61
      (
        .permissionDenied, "the process may not use io_uring, which keeps the memory in its place",
        "sysctl kernel.io_uring_disabled=0; a sandbox must allow io_uring_setup and io_uring_register"
      )
    case (.pin, ENOSYS):
      (
        .unsupported, "the kernel has no io_uring, which keeps the memory in its place",
        "use a kernel with CONFIG_IO_URING; behind an IOMMU vfio-pci needs none"
      )
    case (.pin, ENOMEM):
      (
        .resourcesExhausted, "out of memory, or beyond the limit of locked memory",
        "raise the limit (ulimit -l; systemd: LimitMEMLOCK=), or give the process CAP_IPC_LOCK"
      )
    case (.pin, EFAULT):
      (
        .resourcesExhausted, "the process gets no huge page, although the machine has one",
        "its control group limits them: hugetlb.*.max"
      )
    case (.pin, EMFILE), (.pin, ENFILE):
      (.resourcesExhausted, "too many open files", Self.limitHint)
    case (.locate, EPERM), (.locate, EACCES):  // 62
      (
        .permissionDenied, "the kernel hides physical addresses from the process",
        "run as root, or give it CAP_SYS_ADMIN (systemd: AmbientCapabilities=CAP_SYS_ADMIN); "
          + "behind an IOMMU vfio-pci needs no such right"
      )
    case (.locate, ENOENT):
      (.unsupported, "there is no /proc/self/pagemap", "mount /proc")
    default:
      (
        .unexpected, "the kernel returned an error that is not documented for this",
        "the kernel's log may say why"
      )
    }
  }
}
