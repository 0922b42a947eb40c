// Memory that a device and a program share. The modules that open devices provide it: VFIO maps it
// through the IOMMU, UIO takes a part of a huge page. Floor 2. Drivers, the C interface and common
// buffers of the Windows interfaces make and release it, on any thread at PASSIVE_LEVEL without an
// interrupt lock: both may wait for memory. Any thread accesses the bytes, at any level; no lock,
// the program orders its threads.
import CUIO

/// Memory that a device reads, writes, or both, at an address of its own.
///
/// Make one for a `VFIODevice`, or for a `UIODevice` on a machine without an IOMMU; read there what
/// each takes and gives. Behind the IOMMU the device reaches these bytes and no others of the
/// machine. Without one nothing keeps it to them: it must have stopped before the last reference to
/// the buffer goes.
///
/// Each side sees what the other has written if the machine's devices are coherent: on all of
/// today's x86 and most of arm64. Call `synchronizeForDevice()` before you let the device start,
/// and `synchronizeForProgram()` before you read what it has written. The memory is locked, and
/// counts against the limit of locked memory (V34, fact 61).
@safe public final class DMABuffer: @unchecked Sendable {
  /// Which side writes.
  public enum Direction: String, Sendable, CaseIterable {
    /// The device only reads; an IOMMU stops it when it writes.
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
  /// Where the device finds the first byte: the IOVA, or without an IOMMU the physical address.
  public let deviceAddress: UInt64
  /// The bytes, which begin as zeros and end with this object. Valid also when the device is gone.
  public let bytes: UnsafeMutableRawBufferPointer
  /// Goes back with the last reference.
  private let memory: any DMAMemory

  /// - Parameter memory: `size` bytes or more.
  package init(_ memory: any DMAMemory, size: Int, direction: Direction) {
    self.memory = memory
    self.size = size
    self.direction = direction
    deviceAddress = memory.deviceAddress
    unsafe bytes = UnsafeMutableRawBufferPointer(rebasing: memory.pages[..<size])
  }

  /// Makes what you have written visible to the device. Call it before you let the device start.
  /// Any thread, any level.
  public func synchronizeForDevice() { cuio_dma_fence() }

  /// Makes what the device has written visible to you. Call it before you read. Any thread, any
  /// level.
  public func synchronizeForProgram() { cuio_dma_fence() }
}

/// What a buffer is made of, which ends with the last reference to it.
package protocol DMAMemory: AnyObject, Sendable {
  /// Whole pages of zeros.
  var pages: UnsafeMutableRawBufferPointer { get }
  /// Where the device finds the first byte.
  var deviceAddress: UInt64 { get }
}

/// How much memory a buffer takes.
package struct DMAExtent: Equatable, Sendable {
  /// Whole pages, in bytes.
  package let length: Int
  /// What the device's address is a multiple of: a power of two, a page at least.
  package let alignment: Int

  /// - Throws: `malformed` (a size below 1, an alignment that is no power of two).
  package init(size: Int, alignment: Int, _ name: String) throws(DeviceError) {
    let page = Int(cuio_page_size())
    guard size > 0, size <= Int.max - page, alignment > 0, alignment & (alignment - 1) == 0 else {
      throw DeviceError(
        .malformed, device: name, operation: "make a DMA buffer",
        cause: "the size is below 1 or the alignment, \(alignment), is no power of two",
        hint: "ask for one byte or more, and for an alignment of 1, 2, 4, 8 and so on")
    }
    length = (size + page - 1) / page * page
    self.alignment = max(alignment, page)
  }
}
