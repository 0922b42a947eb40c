// Floor 5, room Devices. Memory and ports of the process's device objects, found by bus address.
// DeviceObject.swift adds and removes them. Drivers call MmMapIoSpace up to DISPATCH_LEVEL and the
// port functions at any level, on any thread, also with an interrupt lock held, and reach these
// ranges and nothing else. A monitor guards the list, and no access to a device happens inside it.
import CUIO
public import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem
import UIO

/// One region of a device under its bus address.
final class DeviceRange: @unchecked Sendable {
  let start: UInt64
  let size: UInt64
  let region: RegisterRegion

  init(start: UInt64, region: RegisterRegion) {
    self.start = start
    self.region = region
    size = UInt64(region.size)
  }

  var isPort: Bool { region.kind == .port }

  func contains(_ address: UInt64, _ length: UInt64) -> Bool {
    address >= start && length <= size && address - start <= size - length
  }

  // Bus addresses of software devices: far above those of a machine, and above the PCI ports.
  nonisolated(unsafe) private static var nextMemory: UInt64 = 0x4000_0000_0000
  nonisolated(unsafe) private static var nextPort: UInt64 = 0x10000
  private static let monitor = Monitor()

  private static func backing(_ size: Int) throws -> (FileDescriptor, LivenessGate) {
    let file = FileDescriptor(adopting: isw_memory_file(size))
    guard file.raw >= 0 else {
      throw UIOOperation.map.error(-file.raw, device: "software device")
    }
    let gate = FileDescriptor(adopting: linux_event_create())
    return (file, LivenessGate(device: gate, hasInterrupt: true))
  }

  convenience init(softwareMemory size: Int) throws {
    let (file, gate) = try Self.backing(size)
    var address: UnsafeMutableRawPointer?
    let result = unsafe cuio_map(file.raw, 0, size, true, &address)
    guard let address = unsafe address, result == 0 else {
      throw UIOOperation.map.error(-result, device: "software device")
    }
    let page = UInt64(cuio_page_size())
    let start = Self.monitor.locked { () -> UInt64 in
      defer { unsafe Self.nextMemory += (UInt64(size) + page) / page * page }
      return unsafe Self.nextMemory
    }
    self.init(
      start: start,
      region: unsafe RegisterRegion(
        name: "software memory", mapping: address, length: size, offset: 0, size: size, gate: gate))
  }

  convenience init(softwarePorts size: Int) throws {
    let (file, gate) = try Self.backing(size)
    let start = Self.monitor.locked { () -> UInt64 in
      defer { unsafe Self.nextPort += UInt64(size + 15) / 16 * 16 }
      return unsafe Self.nextPort
    }
    self.init(
      start: start,
      region: RegisterRegion(name: "software ports", port: file, size: size, gate: gate))
  }
}

enum DeviceRanges {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var ranges: [DeviceRange] = []

  static func add(_ more: [DeviceRange]) { monitor.locked { unsafe ranges += more } }

  static func remove(_ some: [DeviceRange]) {
    monitor.locked { unsafe ranges.removeAll { range in some.contains { $0 === range } } }
  }

  static func find(_ address: UInt64, _ length: UInt64, isPort: Bool) -> DeviceRange? {
    monitor.locked {
      unsafe ranges.first { $0.isPort == isPort && $0.contains(address, length) }
    }
  }

  /// The range whose mapping has `address` in it.
  static func mapped(_ address: UInt) -> DeviceRange? {
    monitor.locked {
      unsafe ranges.first {
        guard let base = unsafe $0.region.mappedAddress else { return false }
        let start = UInt(bitPattern: base)
        return address >= start && address - start < UInt($0.size)
      }
    }
  }
}

@c @implementation
public func MmMapIoSpace(
  _ PhysicalAddress: PHYSICAL_ADDRESS, _ NumberOfBytes: SIZE_T, _ CacheType: MEMORY_CACHING_TYPE
) -> PVOID! {
  guard Reports.require("MmMapIoSpace", atMost: KIRQL(DISPATCH_LEVEL)) else { return nil }
  let address = unsafe UInt64(bitPattern: PhysicalAddress.QuadPart)
  guard let range = DeviceRanges.find(address, UInt64(NumberOfBytes), isPort: false),
    let base = unsafe range.region.mappedAddress
  else {
    Reports.violation(
      "MmMapIoSpace", "L8",
      "\(NumberOfBytes) bytes at 0x\(String(address, radix: 16)) do not belong to a device's memory"
    )
    return nil
  }
  return unsafe base + Int(address - range.start)
}

@c @implementation
public func MmUnmapIoSpace(_ BaseAddress: PVOID!, _ NumberOfBytes: SIZE_T) {
  guard DeviceRanges.mapped(UInt(bitPattern: BaseAddress)) == nil else { return }
  Reports.violation("MmUnmapIoSpace", "L8", "not an address of MmMapIoSpace")
}

// MARK: Ports by number, through the device's own I/O BAR

private func port<Pointer, R>(
  _ call: String, _ place: UnsafeMutablePointer<Pointer>?, _ absent: R,
  _ access: (RegisterRegion, Int) throws(UIOError) -> R
) -> R {
  let number = UInt64(UInt(bitPattern: place))
  let width = UInt64(MemoryLayout<Pointer>.size)
  guard let range = DeviceRanges.find(number, width, isPort: true) else {
    Reports.violation(call, "L8", "port 0x\(String(number, radix: 16)) does not belong to a device")
    return absent
  }
  do throws(UIOError) { return try access(range.region, Int(number - range.start)) } catch {
    Reports.notice(call, "N16", error.description)
    return absent
  }
}

@c @implementation
public func READ_PORT_UCHAR(_ Port: PUCHAR!) -> UCHAR {
  unsafe port("READ_PORT_UCHAR", Port, .max) { (region, offset) throws(UIOError) in
    try region.read8(at: offset)
  }
}

@c @implementation
public func READ_PORT_USHORT(_ Port: PUSHORT!) -> USHORT {
  unsafe port("READ_PORT_USHORT", Port, .max) { (region, offset) throws(UIOError) in
    try region.read16(at: offset)
  }
}

@c @implementation
public func READ_PORT_ULONG(_ Port: PULONG!) -> ULONG {
  unsafe port("READ_PORT_ULONG", Port, .max) { (region, offset) throws(UIOError) in
    try region.read32(at: offset)
  }
}

@c @implementation
public func WRITE_PORT_UCHAR(_ Port: PUCHAR!, _ Value: UCHAR) {
  unsafe port("WRITE_PORT_UCHAR", Port, ()) { (region, offset) throws(UIOError) in
    try region.write8(Value, at: offset)
  }
}

@c @implementation
public func WRITE_PORT_USHORT(_ Port: PUSHORT!, _ Value: USHORT) {
  unsafe port("WRITE_PORT_USHORT", Port, ()) { (region, offset) throws(UIOError) in
    try region.write16(Value, at: offset)
  }
}

@c @implementation
public func WRITE_PORT_ULONG(_ Port: PULONG!, _ Value: ULONG) {
  unsafe port("WRITE_PORT_ULONG", Port, ()) { (region, offset) throws(UIOError) in
    try region.write32(Value, at: offset)
  }
}
