// What the devices of one container reach: memory of this process, at addresses of theirs. Floor 3.
// VFIODevice+Memory.swift maps and unmaps here, on any thread at PASSIVE_LEVEL without an interrupt
// lock; a monitor guards the addresses, and is held while the kernel locks memory.
import CVFIO
import DeviceIdentity
import DeviceRegisters
import Glibc
import LinuxSystem

/// The memory of a container, which ends with it.
final class DMASpace: @unchecked Sendable {
  private let container: FileDescriptor
  private let kernel: any VFIOKernel
  private let monitor = Monitor()
  /// Guarded by `monitor`; asked for with the first mapping.
  private var addresses: DMAAddresses?

  init(_ container: FileDescriptor, _ kernel: any VFIOKernel) {
    self.container = container
    self.kernel = kernel
  }

  /// Lets the devices reach whole pages. Returns where they find the first one.
  /// - Throws: `resourcesExhausted`, `removed` once the devices are the host's.
  func map(
    _ memory: UnsafeMutableRawBufferPointer, alignment: Int, reads: Bool, writes: Bool,
    _ name: String
  ) throws(UIOError) -> UInt64 {
    try monitor.locked { () throws(UIOError) in
      var free = try offered(name)
      guard let address = free.take(UInt64(memory.count), alignment: UInt64(alignment)) else {
        throw UIOError(
          .resourcesExhausted, device: name, operation: VFIOOperation.mapMemory.rawValue,
          cause: "the IOMMU has no addresses left for it", hint: "release other buffers first",
          errno: ENOSPC)
      }
      let result = unsafe kernel.map(
        container, memory, address, reads: reads, writes: writes)
      if result < 0 { throw VFIOOperation.mapMemory.error(-result, device: name) }
      addresses = free
      return address
    }
  }

  /// Ends that. A container that has ended has done so already.
  func unmap(_ address: UInt64, _ length: Int) {
    monitor.locked {
      _ = kernel.unmap(container, address, length)
      addresses?.give(address)
    }
  }

  private func offered(_ name: String) throws(UIOError) -> DMAAddresses {
    if let addresses { return addresses }
    // Machines have a handful.
    var ranges = [cvfio_dma_range](repeating: cvfio_dma_range(), count: 64)
    let count = kernel.ranges(container, &ranges)
    if count < 0 { throw VFIOOperation.mapMemory.error(-count, device: name) }
    return DMAAddresses(Array(ranges.prefix(Int(count))))
  }
}

extension DMAAddresses {
  /// Those that an IOMMU offers.
  init(_ ranges: [cvfio_dma_range]) {
    self.init(ranges.filter { $0.first <= $0.last }.map { $0.first...$0.last })
  }
}
