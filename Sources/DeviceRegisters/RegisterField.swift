// A field of a register: its bits, its access as a type, and the Swift values it holds. Floor 2;
// drivers write them down in a RegisterLayout, and Register reads them. Plain values, for any
// thread and level, without a lock.

/// A field of the register `Layout`: where it is, what it holds, and what may be done with it.
///
/// Its register is part of its type: a field of another register does not compile.
public struct RegisterField<
  Layout: RegisterLayout, Value: RegisterFieldValue, Access: RegisterAccess
>: Sendable {
  @usableFromInline let name: StaticString
  @usableFromInline let low: Int
  @usableFromInline let width: Int

  /// The bits `bits`, as the data sheet's 7:6 is `6...7`. Traps when they leave the register.
  @inlinable public init(_ name: StaticString, bits: ClosedRange<Int>) {
    precondition(
      bits.lowerBound >= 0 && bits.upperBound < Layout.Bits.bitWidth,
      "the field extends beyond its register")
    self.name = name
    low = bits.lowerBound
    width = bits.upperBound - bits.lowerBound + 1
  }

  /// The bit `bit`.
  @inlinable public init(_ name: StaticString, bit: Int) { self.init(name, bits: bit...bit) }

  /// The field's bits in the register.
  @inlinable public var mask: Layout.Bits { lowMask << Layout.Bits(low) }

  @inlinable var lowMask: Layout.Bits {
    Layout.Bits.max >> Layout.Bits(Layout.Bits.bitWidth - width)
  }

  /// For the list that `RegisterLayout.fields` is.
  public var description: RegisterFieldDescription {
    RegisterFieldDescription(
      name: "\(name)", bits: low...(low + width - 1), access: Access.kind, mask: UInt64(mask))
  }

  @inlinable func extract(_ bits: Layout.Bits) -> Value {
    Value(fieldBits: UInt64((bits >> Layout.Bits(low)) & lowMask))
  }

  // A value that does not fit would change its neighbours, or not be the value that was meant.
  @inlinable func insert(_ value: Value, into bits: Layout.Bits) -> Layout.Bits {
    let raw = value.fieldBits
    precondition(raw <= UInt64(lowMask), "the value does not fit into its register field")
    return (bits & ~mask) | (Layout.Bits(truncatingIfNeeded: raw) << Layout.Bits(low))
  }
}

/// A field without its types, for lists, checks and messages.
public struct RegisterFieldDescription: Equatable, Sendable {
  /// As in the data sheet.
  public let name: String
  /// Its bits in the register.
  public let bits: ClosedRange<Int>
  /// The accesses that it allows.
  public let access: RegisterAccessKind
  let mask: UInt64
}

// MARK: Values

/// The value of a field: `Bool`, an unsigned integer, or a type of the driver's own.
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
