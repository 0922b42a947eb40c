// A window of device registers, bounds- and alignment-checked, memory-mapped or reached through an
// I/O BAR. Floor 2: UIO, VFIO and the Windows interfaces make one at PASSIVE_LEVEL, and pass the
// mapping or file, the gate that knows whether the device is there, and the meaning of error
// numbers. Drivers, Register and the daemon's transactions access it on any thread at any level,
// also with the interrupt lock held; an access takes none.
import CUIO
package import LinuxSystem

/// Registers of a device: a UIO map, a memory BAR, an I/O BAR or a configuration space.
///
/// Every access checks width, alignment, bounds and that the device is still there; after a removal
/// it throws `removed` instead of touching what is no longer the device (fact 29). A bus error, which
/// a device that has just gone may answer, is `removed` as well. Any thread and any level may call; accesses of several threads are ordered only by the object's interrupt lock.
@safe public final class RegisterRegion: @unchecked Sendable {
  /// How an access reaches the device.
  public enum Kind: Sendable, Equatable {
    /// Loads and stores through a mapping; an interposed region counts as memory.
    case memory
    /// I/O ports and what else cannot be mapped: a system call each, 32 bits at most (fact 38, V30).
    case port
  }

  /// The device and region, for messages: `uio0 map0`, `0000:00:03.0 bar0`.
  public let name: String
  /// How an access reaches the device.
  public let kind: Kind
  /// Bytes that may be accessed, from offset 0 on.
  public let size: Int
  private let base: UnsafeMutableRawPointer?
  private let mapping: (address: UnsafeMutableRawPointer, length: Int)?
  private let file: FileDescriptor?
  /// Where the region begins in the file.
  private let fileOffset: UInt64
  /// What an error number of a port access means.
  private let meaning: @Sendable (Int32) -> DeviceError
  private let interposer: (any RegisterInterposer)?
  private let gate: LivenessGate
  /// Of memory that is not a mapping of the region's own.
  private var owner: (any AnyObject & Sendable)?

  package init(
    name: String, mapping address: UnsafeMutableRawPointer, length: Int, offset: Int, size: Int,
    gate: LivenessGate
  ) {
    self.name = name
    kind = .memory
    self.size = size
    unsafe base = unsafe address + offset
    unsafe mapping = unsafe (address, length)
    file = nil
    fileOffset = 0
    meaning = { _ in Self.removed(name) }
    interposer = nil
    self.gate = gate
    // Without memory for it a bus error ends the process, as it would in any other.
    _ = unsafe cuio_bus_error_expect(address, length, gate.flag)
  }

  package init(
    name: String, port file: FileDescriptor, at fileOffset: UInt64 = 0, size: Int,
    gate: LivenessGate, meaning: @escaping @Sendable (Int32) -> DeviceError
  ) {
    self.name = name
    kind = .port
    self.size = size
    unsafe base = nil
    unsafe mapping = nil
    self.file = file
    self.fileOffset = fileOffset
    self.meaning = meaning
    interposer = nil
    self.gate = gate
  }

  /// Registers that code answers for: for tests of drivers without their device. Width, alignment
  /// and bounds are checked as always; accesses that pass go to `interposer`.
  public init(name: String, size: Int, interposer: any RegisterInterposer) {
    self.name = name
    kind = .memory
    self.size = size
    unsafe base = nil
    unsafe mapping = nil
    file = nil
    fileOffset = 0
    meaning = { _ in Self.removed(name) }
    self.interposer = interposer
    gate = .alwaysOpen
  }

  /// Memory of the program's that a device reads and writes, too: `owner` keeps it there. No removal of
  /// the device takes it away.
  package init(
    name: String, memory: UnsafeMutableRawBufferPointer, owner: some AnyObject & Sendable
  ) {
    self.name = name
    kind = .memory
    size = memory.count
    unsafe base = memory.baseAddress
    unsafe mapping = nil
    file = nil
    fileOffset = 0
    meaning = { _ in Self.removed(name) }
    interposer = nil
    gate = .alwaysOpen
    self.owner = owner
  }

  /// Where the registers are mapped, for surfaces whose documents hand out addresses; nil for ports.
  /// Accesses through it are not checked, and the address ends with this object.
  package var mappedAddress: UnsafeMutableRawPointer? { unsafe base }

  /// Drops the device's memory while others may be accessing it: they read ones from now on, and every
  /// later access throws `removed`. For a device that the host wants back (V10).
  package func revoke() {
    gate.shut()
    if let mapping = unsafe mapping { _ = unsafe cuio_map_nothing(mapping.address, mapping.length) }
  }

  deinit {
    guard let mapping = unsafe mapping else { return }
    unsafe cuio_bus_error_forget(mapping.address)
    unsafe cuio_unmap(mapping.address, mapping.length)
  }

  /// Reads 8 bits at `offset` bytes. Throws `outOfBounds`, `removed`.
  public func read8(at offset: Int) throws(DeviceError) -> UInt8 {
    guard let address = unsafe try address(offset, 1) else {
      return UInt8(truncatingIfNeeded: try readPort(offset, 1))
    }
    return unsafe try live(cuio_read8(address), .max)
  }

  /// Reads 16 bits at `offset` bytes. Throws `outOfBounds`, `misaligned`, `removed`.
  public func read16(at offset: Int) throws(DeviceError) -> UInt16 {
    guard let address = unsafe try address(offset, 2) else {
      return UInt16(truncatingIfNeeded: try readPort(offset, 2))
    }
    return unsafe try live(cuio_read16(address), .max)
  }

  /// Reads 32 bits at `offset` bytes. Throws `outOfBounds`, `misaligned`, `removed`.
  public func read32(at offset: Int) throws(DeviceError) -> UInt32 {
    guard let address = unsafe try address(offset, 4) else { return try readPort(offset, 4) }
    return unsafe try live(cuio_read32(address), .max)
  }

  /// Reads 64 bits at `offset` bytes, in one access. Throws `outOfBounds`, `misaligned` (also on
  /// ports), `removed`.
  public func read64(at offset: Int) throws(DeviceError) -> UInt64 {
    guard let address = unsafe try address(offset, 8) else { return try readPort64(offset) }
    return unsafe try live(cuio_read64(address), .max)
  }

  /// Writes 8 bits at `offset` bytes. Throws `outOfBounds`, `removed`.
  public func write8(_ value: UInt8, at offset: Int) throws(DeviceError) {
    guard let address = unsafe try address(offset, 1) else {
      return try writePort(offset, 1, UInt32(value))
    }
    unsafe cuio_write8(address, value)
    if gate.isShut { throw removedError() }
  }

  /// Writes 16 bits at `offset` bytes. Throws `outOfBounds`, `misaligned`, `removed`.
  public func write16(_ value: UInt16, at offset: Int) throws(DeviceError) {
    guard let address = unsafe try address(offset, 2) else {
      return try writePort(offset, 2, UInt32(value))
    }
    unsafe cuio_write16(address, value)
    if gate.isShut { throw removedError() }
  }

  /// Writes 32 bits at `offset` bytes. Throws `outOfBounds`, `misaligned`, `removed`.
  public func write32(_ value: UInt32, at offset: Int) throws(DeviceError) {
    guard let address = unsafe try address(offset, 4) else {
      return try writePort(offset, 4, value)
    }
    unsafe cuio_write32(address, value)
    if gate.isShut { throw removedError() }
  }

  /// Writes 64 bits at `offset` bytes, in one access. Throws `outOfBounds`, `misaligned` (also on
  /// ports), `removed`.
  public func write64(_ value: UInt64, at offset: Int) throws(DeviceError) {
    guard let address = unsafe try address(offset, 8) else {
      return try writePort64(offset, value)
    }
    unsafe cuio_write64(address, value)
    if gate.isShut { throw removedError() }
  }

  /// Whether `width` bytes at `offset` can be accessed, without doing it. Throws `outOfBounds`,
  /// `misaligned`, `removed`.
  @usableFromInline func requireAccess(at offset: Int, width: Int) throws(DeviceError) {
    let address = unsafe try address(offset, width)
    if unsafe address == nil, width == 8, interposer == nil { throw widthError(offset, width) }
  }

  // nil: a port region or an interposed one.
  @inline(__always)
  private func address(_ offset: Int, _ width: Int) throws(DeviceError) -> UnsafeMutableRawPointer?
  {
    guard offset >= 0, offset <= size - width else { throw boundsError(offset, width) }
    guard gate.isOpen else { throw removedError() }
    guard let base = unsafe base else {
      guard offset & (width - 1) == 0 else { throw alignmentError(offset, width) }
      return nil
    }
    let address = unsafe base + offset
    guard Int(bitPattern: address) & (width - 1) == 0 else { throw alignmentError(offset, width) }
    return unsafe address
  }

  // A device that has been pulled reads as all ones (fact 29), and so does one that answered with a
  // bus error: such a value is believed only if the kernel still has it.
  @inline(__always)
  private func live<T: FixedWidthInteger>(_ value: T, _ suspicious: T) throws(DeviceError) -> T {
    if value == suspicious, !gate.probe() { throw removedError() }
    return value
  }

  private func readPort(_ offset: Int, _ width: UInt32) throws(DeviceError) -> UInt32 {
    if let interposer {
      return UInt32(truncatingIfNeeded: try interposer.read(at: offset, width: Int(width)))
    }
    guard let file else { throw removedError() }
    var value: UInt32 = 0
    let result = unsafe cuio_port_read(file.raw, fileOffset + UInt64(offset), width, &value)
    if result != 0 { throw portError(result) }
    return value
  }

  private func writePort(_ offset: Int, _ width: UInt32, _ value: UInt32) throws(DeviceError) {
    if let interposer {
      return try interposer.write(UInt64(value), at: offset, width: Int(width))
    }
    guard let file else { throw removedError() }
    let result = cuio_port_write(file.raw, fileOffset + UInt64(offset), width, value)
    if result != 0 { throw portError(result) }
  }

  // Ports take no 64-bit access; an interposer does.
  private func readPort64(_ offset: Int) throws(DeviceError) -> UInt64 {
    guard let interposer else { throw widthError(offset, 8) }
    return try interposer.read(at: offset, width: 8)
  }

  private func writePort64(_ offset: Int, _ value: UInt64) throws(DeviceError) {
    guard let interposer else { throw widthError(offset, 8) }
    try interposer.write(value, at: offset, width: 8)
  }

  @inline(never)
  private func portError(_ result: Int32) -> DeviceError {
    if !gate.probe() { return removedError() }
    return meaning(-result)
  }

  @inline(never)
  private func removedError() -> DeviceError { Self.removed(name) }

  private static func removed(_ name: String) -> DeviceError {
    DeviceError(
      .removed, device: name, operation: "access a register",
      cause: "the device was unbound or removed, or answered with a bus error",
      hint: "open it again by its stable id once it is back")
  }

  @inline(never)
  private func boundsError(_ offset: Int, _ width: Int) -> DeviceError {
    DeviceError(
      .outOfBounds, device: name, operation: "access a register",
      cause: "\(width) bytes at offset \(offset) leave the \(size) bytes of the region",
      hint: "use an offset within the region, as the device's data sheet has it")
  }

  @inline(never)
  private func alignmentError(_ offset: Int, _ width: Int) -> DeviceError {
    DeviceError(
      .misaligned, device: name, operation: "access a register",
      cause: "offset \(offset) is not a multiple of the width \(width)",
      hint: "use a width that divides the offset")
  }

  @inline(never)
  private func widthError(_ offset: Int, _ width: Int) -> DeviceError {
    DeviceError(
      .misaligned, device: name, operation: "access a register",
      cause: "\(width) bytes at offset \(offset): ports take 1, 2 or 4 bytes at a time",
      hint: "split the access")
  }
}
