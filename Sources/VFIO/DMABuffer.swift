// Memory that a device and a program share: locked, mapped through the IOMMU, unmapped with the last
// reference. Floor 3. Making and releasing it is for PASSIVE_LEVEL, without an interrupt lock: both may wait
// for memory. The bytes are the program's to order.
import CUIO
import CVFIO
import Glibc
import LinuxSystem

/// Memory that a device reads, writes, or both, at an address of its own.
///
/// The device reaches these bytes and no others of the machine. Each side sees what the other has written
/// if the machine's devices are coherent: on all of today's x86 and most of arm64. Call
/// `synchronizeForDevice()` before you let the device start, and `synchronizeForProgram()` before you read
/// what it has written. The memory is locked, and counts against the limit of locked memory (V34).
@safe public final class DMABuffer: @unchecked Sendable {
  /// Which side writes.
  public enum Direction: String, Sendable, CaseIterable {
    /// The device only reads; it is stopped when it writes.
    case toDevice
    /// The device only writes.
    case fromDevice
    /// Both.
    case both
  }

  /// Bytes that were asked for. The device can reach the rest of the last page as well.
  public let size: Int
  /// Which side writes.
  public let direction: Direction
  /// Where the device finds the first byte (the IOVA).
  public let deviceAddress: UInt64
  /// The bytes, which begin as zeros and end with this object. Valid also when the device is gone.
  public let bytes: UnsafeMutableRawBufferPointer

  private let pages: UnsafeMutableRawBufferPointer
  private let space: DMASpace

  /// Makes memory for a device, page by page. Turn bus mastering on before the device uses it.
  ///
  /// - Parameters:
  ///   - device: the device; others of its IOMMU group that this process has open reach it, too.
  ///   - size: bytes, at least 1.
  ///   - alignment: what the device's address is a multiple of: a power of two. A page at least.
  ///   - direction: which side writes.
  /// - Throws: `malformed` (a size below 1, an alignment that is no power of two), `removed`,
  ///   `resourcesExhausted` (memory, the limit of locked memory, or the IOMMU's addresses),
  ///   `otherProcess`.
  public init(
    _ device: VFIODevice, size: Int, alignment: Int = 1, direction: Direction = .both
  ) throws(UIOError) {
    let name = "\(device) DMA buffer of \(size) bytes"
    try device.requireOwnProcess("make a DMA buffer")
    let page = Int(cuio_page_size())
    guard size > 0, size <= Int.max - page, alignment > 0, alignment & (alignment - 1) == 0 else {
      throw UIOError(
        .malformed, device: name, operation: "make a DMA buffer",
        cause: "the size is below 1 or the alignment, \(alignment), is no power of two")
    }
    let length = (size + page - 1) / page * page
    let start = unsafe mmap(
      nil, length, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0)
    guard let start = unsafe start, unsafe start != MAP_FAILED else {
      throw VFIOOperation.mapMemory.error(errno, device: name)
    }
    let pages = unsafe UnsafeMutableRawBufferPointer(start: start, count: length)
    do throws(UIOError) {
      space = try device.memorySpace("make a DMA buffer")
      unsafe deviceAddress = try space.map(
        pages, alignment: max(alignment, page), reads: direction != .fromDevice,
        writes: direction != .toDevice, name)
    } catch {
      unsafe munmap(start, length)
      throw error
    }
    self.size = size
    self.direction = direction
    unsafe self.pages = pages
    unsafe bytes = UnsafeMutableRawBufferPointer(rebasing: pages[..<size])
  }

  deinit {
    // The device first: it must not reach memory that has another use by then.
    space.unmap(deviceAddress, unsafe pages.count)
    if let start = unsafe pages.baseAddress { unsafe munmap(start, pages.count) }
  }

  /// Makes what you have written visible to the device. Call it before you let the device start. Any
  /// thread, any level.
  public func synchronizeForDevice() { cuio_dma_fence() }

  /// Makes what the device has written visible to you. Call it before you read. Any thread, any level.
  public func synchronizeForProgram() { cuio_dma_fence() }
}
