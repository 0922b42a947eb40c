// Memory for a device behind an IOMMU: locked, mapped at an address of the device's own, unmapped
// with the last reference. Floor 3. Drivers, the C interface and common buffers of the Windows
// interfaces make and release it, on any thread at PASSIVE_LEVEL without an interrupt lock: both
// may wait for memory. DMASpace takes its monitor.
public import DeviceRegisters
import Glibc
import LinuxSystem

extension DMABuffer {
  /// Makes memory for a device, page by page, at the lowest free addresses of its own (V33). Turn
  /// bus mastering on before the device uses it.
  ///
  /// - Parameters:
  ///   - device: the device; others of its IOMMU group that this process has open reach it, too.
  ///   - size: bytes, at least 1.
  ///   - alignment: what the device's address is a multiple of: a power of two. A page at least.
  ///   - direction: which side writes.
  /// - Throws: `malformed` (a size below 1, an alignment that is no power of two), `removed`,
  ///   `resourcesExhausted` (memory, the limit of locked memory, or the IOMMU's addresses),
  ///   `otherProcess`.
  public convenience init(
    _ device: VFIODevice, size: Int, alignment: Int = 1, direction: Direction = .both
  ) throws(UIOError) {
    let name = "\(device) DMA buffer of \(size) bytes"
    try device.requireOwnProcess("make a DMA buffer")
    let extent = try DMAExtent(size: size, alignment: alignment, name)
    self.init(
      try MappedMemory(device, extent, direction, name), size: size, direction: direction)
  }
}

/// Pages that a container's devices reach.
@safe private final class MappedMemory: DMAMemory, @unchecked Sendable {
  let pages: UnsafeMutableRawBufferPointer
  let deviceAddress: UInt64
  private let space: DMASpace

  init(
    _ device: VFIODevice, _ extent: DMAExtent, _ direction: DMABuffer.Direction, _ name: String
  ) throws(UIOError) {
    let start = unsafe mmap(
      nil, extent.length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw VFIOOperation.mapMemory.error(errno, device: name)
    }
    let pages = unsafe UnsafeMutableRawBufferPointer(start: start, count: extent.length)
    do throws(UIOError) {
      space = try device.memorySpace("make a DMA buffer")
      unsafe deviceAddress = try space.map(
        pages, alignment: extent.alignment, reads: direction != .fromDevice,
        writes: direction != .toDevice, name)
    } catch {
      unsafe munmap(start, extent.length)
      throw error
    }
    unsafe self.pages = pages
  }

  deinit {
    // The device first: it must not reach memory that has another use by then.
    space.unmap(deviceAddress, unsafe pages.count)
    if let start = unsafe pages.baseAddress { unsafe munmap(start, pages.count) }
  }
}
