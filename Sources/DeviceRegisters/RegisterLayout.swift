// The data sheet's description of a register as a type: name, offset, width, reset value, fields,
// and the access column, so that a forbidden access does not compile. Floor 2; drivers write them
// down, and Register reads them. Types and values, for any thread and level, without a lock;
// touches no device.

/// One register as the data sheet describes it: name, offset, width, access, reset value, fields.
///
/// ```swift
/// /// LSR, line status: offset 5, 8 bits, read-only, reset 0x60.
/// enum LineStatus: RegisterLayout {
///   typealias Access = ReadOnly
///   static let name = "LSR"
///   static let offset = 5
///   static let reset: UInt8 = 0x60
///   static let dataReady = RO<Bool>("DR", bit: 0)
///   static let holdingEmpty = RO<Bool>("THRE", bit: 5)
///   static let fields = [dataReady.description, holdingEmpty.description]
/// }
/// ```
///
/// The width is that of `reset`. Write a field that a service routine uses as
/// `static var dataReady: RO<Bool> { RO("DR", bit: 0) }` where even the first access must not
/// initialize anything.
public protocol RegisterLayout: Sendable {
  /// The width.
  associatedtype Bits: RegisterBits
  /// `ReadOnly`, `WriteOnly` or `ReadWrite`.
  associatedtype Access: RegisterAccess
  /// As in the data sheet, for messages.
  static var name: String { get }
  /// In bytes from the start of the region or of the block that the register is in.
  static var offset: Int { get }
  /// The value after a reset; `write` starts from it.
  static var reset: Bits { get }
  /// Every field. Bits of no field are reserved: `modify` writes them back as they were read.
  static var fields: [RegisterFieldDescription] { get }
}

extension RegisterLayout {
  /// A read-only field of this register.
  public typealias RO<Value: RegisterFieldValue> = RegisterField<Self, Value, ReadOnly>
  /// A write-only field of this register.
  public typealias WO<Value: RegisterFieldValue> = RegisterField<Self, Value, WriteOnly>
  /// A read-write field of this register.
  public typealias RW<Value: RegisterFieldValue> = RegisterField<Self, Value, ReadWrite>
  /// A field of this register that writing 1 clears.
  public typealias RW1C<Value: RegisterFieldValue> = RegisterField<Self, Value, WriteOneToClear>
}

// MARK: Access

/// The access of a register or field. Conformers: `ReadOnly`, `WriteOnly`, `ReadWrite`,
/// `WriteOneToClear`.
public protocol RegisterAccess: Sendable {
  /// For descriptions and checks.
  static var kind: RegisterAccessKind { get }
}

/// A register that may be read.
public protocol ReadableAccess: RegisterAccess {}
/// A register that may be written.
public protocol WritableAccess: RegisterAccess {}

/// RO: a read has no effect that matters here; there is no write.
public enum ReadOnly: ReadableAccess {
  /// `.readOnly`.
  public static var kind: RegisterAccessKind { .readOnly }
}

/// WO: what a read gives has no meaning.
public enum WriteOnly: WritableAccess {
  /// `.writeOnly`.
  public static var kind: RegisterAccessKind { .writeOnly }
}

/// RW: a read gives what was written.
public enum ReadWrite: ReadableAccess, WritableAccess {
  /// `.readWrite`.
  public static var kind: RegisterAccessKind { .readWrite }
}

/// RW1C, of a field: writing 1 clears it, writing 0 leaves it. A register of such fields is
/// `ReadWrite`.
public enum WriteOneToClear: ReadableAccess {
  /// `.writeOneToClear`.
  public static var kind: RegisterAccessKind { .writeOneToClear }
}

/// The access as a value, as data sheets abbreviate it.
public enum RegisterAccessKind: String, Sendable, CaseIterable {
  /// `ReadOnly`.
  case readOnly = "RO"
  /// `WriteOnly`.
  case writeOnly = "WO"
  /// `ReadWrite`.
  case readWrite = "RW"
  /// `WriteOneToClear`.
  case writeOneToClear = "RW1C"
}

// MARK: Widths

/// A width that registers have: `UInt8`, `UInt16`, `UInt32`, `UInt64`.
public protocol RegisterBits: FixedWidthInteger, UnsignedInteger, Sendable {
  /// One load of this width. Throws as the region's reads do.
  static func load(from region: RegisterRegion, at offset: Int) throws(DeviceError) -> Self
  /// One store of this width. Throws as the region's writes do.
  func store(to region: RegisterRegion, at offset: Int) throws(DeviceError)
}

extension UInt8: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(DeviceError) -> Self { try region.read8(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(DeviceError) {
    try region.write8(self, at: offset)
  }
}

extension UInt16: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(DeviceError) -> Self { try region.read16(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(DeviceError) {
    try region.write16(self, at: offset)
  }
}

extension UInt32: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(DeviceError) -> Self { try region.read32(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(DeviceError) {
    try region.write32(self, at: offset)
  }
}

extension UInt64: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(DeviceError) -> Self { try region.read64(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(DeviceError) {
    try region.write64(self, at: offset)
  }
}
