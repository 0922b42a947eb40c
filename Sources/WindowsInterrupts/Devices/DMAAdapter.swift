// Floor 5, room Devices. DMA adapters: how a driver of WDM gets common buffers (K29 to K31).
// Drivers call them, through the adapter's table, on any thread at PASSIVE_LEVEL without an
// interrupt lock. A monitor guards which adapters there are and which buffers they have, and is not
// held while one is made or released.
import CUIO
public import CWindowsInterrupts
import InterruptSync
import LinuxSystem

/// An adapter behind its pointer. Keeps the device until PutDmaAdapter.
@safe private final class DMAAdapter {
  let device: WindowsDevice
  /// The highest address that the device reaches.
  let last: UInt64
  /// By their addresses; guarded by the monitor of `DMAAdapters`.
  var buffers: [UnsafeMutableRawPointer: CommonBuffer] = unsafe [:]

  init(_ device: WindowsDevice, _ last: UInt64) {
    self.device = device
    self.last = last
  }
}

/// The adapters that drivers have. One that has ended keeps its memory until many others have, so that a
/// later use is reported and not obeyed (K31).
private enum DMAAdapters {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var live: [PDMA_ADAPTER: DMAAdapter] = unsafe [:]
  /// Oldest first.
  nonisolated(unsafe) private static var ended: [PDMA_ADAPTER] = unsafe []
  private static let quarantine = 256

  /// The table of all adapters, which never ends.
  nonisolated(unsafe) private static let operations: PDMA_OPERATIONS = {
    let table = PDMA_OPERATIONS.allocate(capacity: 1)
    unsafe table.initialize(
      to: DMA_OPERATIONS(
        Size: ULONG(MemoryLayout<DMA_OPERATIONS>.size), PutDmaAdapter: putDmaAdapter,
        AllocateCommonBuffer: allocateCommonBuffer, FreeCommonBuffer: freeCommonBuffer))
    return unsafe table
  }()

  static func make(_ adapter: DMAAdapter, _ version: ULONG) -> PDMA_ADAPTER {
    unsafe monitor.locked {
      let pointer =
        unsafe ended.count > quarantine ? ended.removeFirst() : PDMA_ADAPTER.allocate(capacity: 1)
      unsafe pointer.initialize(
        to: DMA_ADAPTER(
          Version: USHORT(version), Size: USHORT(MemoryLayout<DMA_ADAPTER>.size),
          DmaOperations: operations))
      unsafe live[pointer] = adapter
      return unsafe pointer
    }
  }

  /// The adapter of a pointer, at the level that its calls need; reports what is wrong.
  static func find(_ pointer: PDMA_ADAPTER?, _ call: String) -> DMAAdapter? {
    guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return nil }
    let found = monitor.locked { unsafe pointer.flatMap { unsafe live[$0] } }
    if found == nil {
      Reports.violation(call, "K31", "the adapter is NULL or has ended; get one for the device")
    }
    return found
  }

  /// False: it still has buffers.
  static func end(_ pointer: PDMA_ADAPTER?, _ adapter: DMAAdapter) -> Bool {
    monitor.locked {
      guard unsafe adapter.buffers.isEmpty else { return false }
      guard let pointer = unsafe pointer, unsafe live.removeValue(forKey: pointer) != nil else {
        return true
      }
      unsafe ended.append(pointer)
      return true
    }
  }

  static func add(_ buffer: CommonBuffer, to adapter: DMAAdapter) {
    monitor.locked { unsafe adapter.buffers[buffer.address] = buffer }
  }

  static func remove(_ address: PVOID?, from adapter: DMAAdapter) -> CommonBuffer? {
    monitor.locked {
      unsafe address.flatMap { unsafe adapter.buffers.removeValue(forKey: $0) }
    }
  }
}

/// The number of address bits that the device has (K29).
private func addressBits(_ description: DEVICE_DESCRIPTION) -> ULONG {
  if description.Version == ULONG(DEVICE_DESCRIPTION_VERSION3), description.DmaAddressWidth > 0 {
    return description.DmaAddressWidth
  }
  if description.Dma64BitAddresses != 0 { return 64 }
  return description.Dma32BitAddresses != 0 ? 32 : 24
}

@c @implementation
public func IoGetDmaAdapter(
  _ PhysicalDeviceObject: PDEVICE_OBJECT!, _ DeviceDescription: PDEVICE_DESCRIPTION!,
  _ NumberOfMapRegisters: PULONG!
) -> PDMA_ADAPTER! {
  let call = "IoGetDmaAdapter"
  guard Reports.require(call, atMost: KIRQL(PASSIVE_LEVEL)) else { return nil }
  guard let device = unsafe WindowsDevice.of(PhysicalDeviceObject),
    let description = unsafe DeviceDescription?.pointee,
    description.Version <= ULONG(DEVICE_DESCRIPTION_VERSION3)
  else {
    Reports.violation(
      call, "K29", "no device object, no description, or a version of it that does not exist")
    return nil
  }
  guard description.Master != 0 else {
    Reports.violation(call, "K29", "Master is not set, and there is no system DMA controller")
    return nil
  }
  guard device.hasMemory(call) else { return nil }
  let page = UInt64(cuio_page_size())
  // Bytes that do not begin a page touch one more.
  unsafe NumberOfMapRegisters?.pointee = ULONG(
    (UInt64(description.MaximumLength) + page - 1) / page + 1)
  return unsafe DMAAdapters.make(
    DMAAdapter(device, CommonBuffer.last(bits: addressBits(description))), description.Version)
}

private func putDmaAdapter(_ pointer: PDMA_ADAPTER?) {
  let call = "PutDmaAdapter"
  guard let adapter = unsafe DMAAdapters.find(pointer, call) else { return }
  guard unsafe DMAAdapters.end(pointer, adapter) else {
    return Reports.violation(
      call, "K31", "the adapter has common buffers; free them first, with FreeCommonBuffer")
  }
}

private func allocateCommonBuffer(
  _ pointer: PDMA_ADAPTER?, _ length: ULONG, _ logical: PPHYSICAL_ADDRESS?, _ isCached: BOOLEAN
) -> PVOID? {
  let call = "AllocateCommonBuffer"
  guard let adapter = unsafe DMAAdapters.find(pointer, call) else { return nil }
  guard length > 0, let logical = unsafe logical else {
    Reports.violation(call, "K30", "the length is 0, or there is no place for the logical address")
    return nil
  }
  let result = adapter.device.makeCommonBuffer(call, Int(length), last: adapter.last)
  guard case .success(let buffer) = result else { return nil }
  DMAAdapters.add(buffer, to: adapter)
  unsafe logical.pointee.QuadPart = LONGLONG(bitPattern: buffer.logicalAddress)
  return unsafe buffer.address
}

private func freeCommonBuffer(
  _ pointer: PDMA_ADAPTER?, _ length: ULONG, _ logical: PHYSICAL_ADDRESS, _ address: PVOID?,
  _ isCached: BOOLEAN
) {
  let call = "FreeCommonBuffer"
  guard let adapter = unsafe DMAAdapters.find(pointer, call) else { return }
  guard let buffer = unsafe DMAAdapters.remove(address, from: adapter) else {
    return Reports.violation(call, "K31", "no common buffer of this adapter begins there")
  }
  let logicalAddress = unsafe UInt64(bitPattern: logical.QuadPart)
  if buffer.length != Int(length) || buffer.logicalAddress != logicalAddress {
    Reports.violation(
      call, "K31",
      "the buffer has \(buffer.length) bytes at the logical address "
        + "0x\(String(buffer.logicalAddress, radix: 16)); it is freed")
  }
}
