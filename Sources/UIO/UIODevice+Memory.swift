// Memory for a device without an IOMMU: where it may have some, and a buffer of it. Floor 3.
// Drivers, the C interface and common buffers of the Windows interfaces make and release it, on any
// thread at PASSIVE_LEVEL without an interrupt lock: both may wait for memory. MachineMemory takes
// its monitor.
public import DeviceRegisters
import Glibc
package import LinuxSystem

extension DMABuffer {
  /// Makes memory for a device that no IOMMU keeps to its own: a part of a huge page, in one piece,
  /// at its physical address. Turn bus mastering on before the device uses it
  /// (`UIOLine.setBusMaster(_:)`).
  ///
  /// It takes a free huge page (`/proc/sys/vm/nr_hugepages`), which all buffers of the process
  /// share; the right to see physical addresses (CAP_SYS_ADMIN); and no IOMMU that translates the
  /// device's addresses. io_uring pins the memory, so the kernel does not move it.
  ///
  /// > Important: Nothing keeps the device from other memory of the machine, whatever `direction`
  /// > says. A wrong address overwrites the kernel or other programs. Stop the device before you
  /// > release the buffer. Where the machine has an IOMMU, take vfio-pci.
  ///
  /// - Parameters:
  ///   - device: the device; others that are told the address reach the memory, too.
  ///   - size: bytes, at least 1; at most those of the largest huge page.
  ///   - alignment: what the device's address is a multiple of: a power of two. A page at least.
  ///   - direction: which side writes. The caller's note; nothing enforces it.
  ///   - addressLimit: the highest address that the device reaches: `0xffff_ffff` for 32 bits.
  /// - Throws: `malformed` (a size below 1, an alignment that is no power of two), `removed`,
  ///   `unsupported` (an IOMMU or the bus translates the device's addresses, or no huge page is
  ///   large enough), `permissionDenied` (CAP_SYS_ADMIN, io_uring), `resourcesExhausted` (huge
  ///   pages, or those that the device reaches; locked memory), `otherProcess`.
  public convenience init(
    _ device: UIODevice, size: Int, alignment: Int = 1, direction: Direction = .both,
    addressLimit: UInt64 = .max
  ) throws(UIOError) {
    try self.init(
      device, size: size, alignment: alignment, direction: direction, addressLimit: addressLimit,
      of: .shared)
  }

  /// The same of another pool; for tests.
  package convenience init(
    _ device: UIODevice, size: Int, alignment: Int = 1, direction: Direction = .both,
    addressLimit: UInt64 = .max, of memory: MachineMemory
  ) throws(UIOError) {
    let operation = "make a DMA buffer"
    let name = "\(device) DMA buffer of \(size) bytes"
    try device.requireOwnProcess(operation)
    let extent = try DMAExtent(size: size, alignment: alignment, name)
    guard device.isAlive else {
      throw UIOError(
        .removed, device: name, operation: operation, cause: "the device was unbound or removed",
        hint: "open it again by its stable id once it is back", errno: ENODEV)
    }
    try device.requirePhysicalAddresses(operation)
    let part = try memory.take(extent, last: addressLimit, device.sysfs.hugePageSizes, name)
    self.init(part, size: size, direction: direction)
  }
}

extension UIODevice {
  /// Fails where the device does not see memory at its physical addresses (fact 63).
  /// - Throws: `unsupported`.
  package func requirePhysicalAddresses(_ operation: String) throws(UIOError) {
    let folder = info.parentFolder
    if let type = IOMMUGroupInfo.domainType(of: folder, sysfs: sysfs), type != "identity" {
      throw UIOError(
        .unsupported, device: description, operation: operation,
        cause: "an IOMMU translates the device's addresses, and nothing is mapped there for it "
          + "(type \(type))",
        hint:
          "bind it to vfio-pci, whose buffers are mapped (interruptsyncctl bind --driver vfio-pci); "
          + "or boot with iommu=pt, which leaves addresses as they are")
    }
    if let bus = sysfs.translatingBus(of: folder) {
      throw UIOError(
        .unsupported, device: description, operation: operation,
        cause: "\(bus) maps other addresses to memory (dma-ranges of the device tree)",
        hint: "use memory that its kernel driver provides: a map of the UIO device")
    }
  }
}

extension Sysfs {
  /// Of the huge pages that the kernel knows, in bytes, the smallest first. Larger ones than 1 GiB
  /// cannot be pinned.
  package var hugePageSizes: [Int] {
    list("\(root)/kernel/mm/hugepages").compactMap { name -> Int? in
      guard name.hasPrefix("hugepages-"), name.hasSuffix("kB") else { return nil }
      return Int(name.dropFirst(10).dropLast(2)).map { $0 * 1024 }
    }.filter { $0 <= 1 << 30 }.sorted()
  }

  /// The folder of the device or of a bus above it that the device tree says to see memory
  /// elsewhere; nil without one.
  fileprivate func translatingBus(of folder: String) -> String? {
    guard let resolved = unsafe realpath(folder, nil) else { return nil }
    defer { unsafe free(resolved) }
    var parts = unsafe String(cString: resolved).split(separator: "/")
    while !parts.isEmpty {
      let place = "/" + parts.joined(separator: "/")
      if let ranges = optionalText("\(place)/of_node/dma-ranges"), !ranges.isEmpty { return place }
      parts.removeLast()
    }
    return nil
  }
}
