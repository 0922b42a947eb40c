// Floor 5, room Devices. Memory that a device and its driver share, for both driver models: a
// DMABuffer, or for a software device plain memory (N29). DMAAdapter.swift and the framework's
// FrameworkDMA.swift make and release it, on the driver's thread at PASSIVE_LEVEL, without an
// interrupt lock: both may wait for memory. A monitor guards the addresses of software devices.
import CUIO
import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import VFIO

/// Whole pages, cleared, that the device reaches until the last reference goes.
@safe final class CommonBuffer: @unchecked Sendable {
  let length: Int
  let address: UnsafeMutableRawPointer
  let logicalAddress: UInt64
  /// A DMABuffer, or a SoftwareBuffer.
  private let memory: AnyObject

  /// - Parameter last: the highest address that the device reaches.
  init(_ device: WindowsDevice, _ length: Int, alignment: Int, last: UInt64) throws(UIOError) {
    self.length = length
    if let buffer = try Self.real(device, length, alignment, last) {
      guard let start = unsafe buffer.bytes.baseAddress else { throw Self.noMemory(length) }
      unsafe address = unsafe start
      logicalAddress = buffer.deviceAddress
      memory = buffer
    } else {
      let buffer = try SoftwareBuffer(length, alignment: alignment)
      unsafe address = unsafe buffer.start
      logicalAddress = buffer.logicalAddress
      memory = buffer
    }
    // The lowest free addresses are taken: there are none below.
    guard logicalAddress <= last, UInt64(length) - 1 <= last - logicalAddress else {
      throw UIOError(
        .resourcesExhausted, device: "common buffer of \(length) bytes",
        operation: "make a common buffer",
        cause: "the device reaches addresses up to 0x\(String(last, radix: 16)), and all are taken",
        hint: "free other common buffers first, or declare that the device reaches more")
    }
  }

  /// Nil for a software device.
  private static func real(
    _ device: WindowsDevice, _ length: Int, _ alignment: Int, _ last: UInt64
  ) throws(UIOError) -> DMABuffer? {
    switch device.memory {
    case .software: nil
    case .iommu(let function): try DMABuffer(function, size: length, alignment: alignment)
    case .machine(let device):
      try DMABuffer(device, size: length, alignment: alignment, addressLimit: last)
    }
  }

  static func noMemory(_ length: Int) -> UIOError {
    UIOError(
      .resourcesExhausted, device: "common buffer of \(length) bytes",
      operation: "make a common buffer", cause: "the process cannot get memory",
      hint: "make it smaller, or give the process more memory")
  }

  /// The highest address of so many bits.
  static func last(bits: ULONG) -> UInt64 { bits >= 64 ? .max : (1 << UInt64(bits)) - 1 }
}

/// The memory of a software device, whose addresses no hardware uses.
@safe private final class SoftwareBuffer {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var addresses = DMAAddresses.all

  let start: UnsafeMutableRawPointer
  let logicalAddress: UInt64

  init(_ length: Int, alignment: Int) throws(UIOError) {
    let page = Int(cuio_page_size())
    guard length <= Int.max - page else { throw CommonBuffer.noMemory(length) }
    let size = (length + page - 1) / page * page
    let logical = Self.monitor.locked {
      unsafe Self.addresses.take(UInt64(size), alignment: UInt64(max(alignment, page)))
    }
    guard let logical else { throw CommonBuffer.noMemory(length) }
    guard let memory = unsafe aligned_alloc(page, size) else {
      Self.monitor.locked { unsafe Self.addresses.give(logical) }
      throw CommonBuffer.noMemory(length)
    }
    unsafe memset(memory, 0, size)
    unsafe start = unsafe memory
    logicalAddress = logical
  }

  deinit {
    Self.monitor.locked { unsafe Self.addresses.give(logicalAddress) }
    unsafe free(start)
  }
}

extension WindowsDevice {
  /// Where the common buffers of the device come from.
  enum Memory {
    case software
    /// The IOMMU that the device is behind.
    case iommu(VFIODevice)
    /// Physical addresses, which a device of UIO uses as they are.
    case machine(UIODevice)
  }

  /// Whether there are common buffers for it. If not, a report says why.
  func hasMemory(_ call: String) -> Bool {
    guard case .machine(let device) = memory else { return true }
    do throws(UIOError) {
      try device.requirePhysicalAddresses("make a common buffer")
      return true
    } catch {
      Reports.notice(call, "N29", error.description)
      return false
    }
  }

  /// Makes one; nil after a report that has the cause.
  func makeCommonBuffer(
    _ call: String, _ length: Int, alignment: Int = 1, last: UInt64
  ) -> Result<CommonBuffer, UIOError> {
    do throws(UIOError) {
      return .success(try CommonBuffer(self, length, alignment: alignment, last: last))
    } catch {
      Reports.notice(call, "N16", error.description)
      return .failure(error)
    }
  }
}
