/// What a register holds, or what is to be written to it. Plain bits: touches no device.
public struct RegisterValue<Layout: RegisterLayout>: Equatable, Sendable {
  /// All bits, as read; and as they will be written, fields that writing 1 clears excepted.
  public var bits: Layout.Bits
  /// The ones that a write will put into fields that writing 1 clears.
  @usableFromInline var clears: Layout.Bits = 0

  /// The reset value of the data sheet unless told otherwise.
  @inlinable public init(bits: Layout.Bits = Layout.reset) { self.bits = bits }

  /// The field's value.
  @inlinable public subscript<Value>(field: RegisterField<Layout, Value, ReadOnly>) -> Value {
    get { field.extract(bits) }
    @available(*, unavailable, message: "the field is read-only")
    set { bits = field.insert(newValue, into: bits) }
  }

  /// The field's value. Traps when a value does not fit into the field.
  @inlinable public subscript<Value>(field: RegisterField<Layout, Value, ReadWrite>) -> Value {
    get { field.extract(bits) }
    set { bits = field.insert(newValue, into: bits) }
  }

  /// Sets the field; a value that is read back has no meaning. Traps when a value does not fit into
  /// the field.
  @inlinable public subscript<Value>(field: RegisterField<Layout, Value, WriteOnly>) -> Value {
    @available(*, unavailable, message: "the field is write-only")
    get { field.extract(bits) }
    set { bits = field.insert(newValue, into: bits) }
  }

  /// The field's value; `clear(_:)` clears it.
  @inlinable public subscript<Value>(field: RegisterField<Layout, Value, WriteOneToClear>) -> Value
  {
    get { field.extract(bits) }
    @available(*, unavailable, message: "writing 1 clears the field: use clear(_:)")
    set { bits = field.insert(newValue, into: bits) }
  }

  /// Clears the field with the write: every bit of it is written as 1.
  @inlinable public mutating func clear<Value>(
    _ field: RegisterField<Layout, Value, WriteOneToClear>
  ) { clears |= field.mask }
}

extension RegisterValue: CustomStringConvertible {
  /// `LSR 0x61: DR=1 THRE=1`.
  public var description: String {
    let fields = Layout.fields.map { field in
      let value = (UInt64(bits) & field.mask) >> UInt64(field.bits.lowerBound)
      return " \(field.name)=\(field.bits.count == 1 ? "\(value)" : Self.hexadecimal(value))"
    }
    return "\(Layout.name) \(Self.hexadecimal(UInt64(bits)))" + (fields.isEmpty ? "" : ":")
      + fields.joined()
  }

  private static func hexadecimal(_ value: UInt64) -> String { "0x" + String(value, radix: 16) }
}
