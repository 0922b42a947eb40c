/// What a field holds: `Bool`, an unsigned integer, or a type of the driver's own.
///
/// An enumeration conforms by saying which pattern means which case, and what an undefined one
/// means.
public protocol RegisterFieldValue: Sendable {
  /// From the field's bits, shifted down to bit 0.
  init(fieldBits: UInt64)
  /// The field's bits, shifted down to bit 0.
  var fieldBits: UInt64 { get }
}

extension Bool: RegisterFieldValue {
  @inlinable public init(fieldBits: UInt64) { self = fieldBits != 0 }
  @inlinable public var fieldBits: UInt64 { self ? 1 : 0 }
}

extension UInt8: RegisterFieldValue {
  @inlinable public init(fieldBits: UInt64) { self.init(truncatingIfNeeded: fieldBits) }
  @inlinable public var fieldBits: UInt64 { UInt64(self) }
}

extension UInt16: RegisterFieldValue {
  @inlinable public init(fieldBits: UInt64) { self.init(truncatingIfNeeded: fieldBits) }
  @inlinable public var fieldBits: UInt64 { UInt64(self) }
}

extension UInt32: RegisterFieldValue {
  @inlinable public init(fieldBits: UInt64) { self.init(truncatingIfNeeded: fieldBits) }
  @inlinable public var fieldBits: UInt64 { UInt64(self) }
}

extension UInt64: RegisterFieldValue {
  @inlinable public init(fieldBits: UInt64) { self = fieldBits }
  @inlinable public var fieldBits: UInt64 { self }
}
