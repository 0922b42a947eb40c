// One typed register: bound to a place in a region, read, written and modified as its layout
// allows. Floor 2. Drivers call it on any thread and at any level, with or without the interrupt
// lock; inside a service routine nothing here allocates or takes a lock. Only the interrupt lock
// makes a `modify` safe against other threads.

/// A register of a device. Checked when it is made: bounds, alignment and that its fields fit and
/// do not overlap. Reading a write-only register or writing a read-only one does not compile.
///
/// Any thread and level; accesses of several threads are ordered only by the interrupt lock, which
/// `modify` needs: it is a load and a store, and not atomic.
public struct Register<Layout: RegisterLayout>: Sendable {
  /// Where it is.
  public let region: RegisterRegion
  /// In bytes from the start of the region.
  public let offset: Int
  /// A write has 1 in these bits only where it clears a field.
  @usableFromInline let clearing: Layout.Bits
  /// Bits whose value as read has no meaning.
  @usableFromInline let writeOnly: Layout.Bits

  /// Binds the layout to a place. Any thread, any level; touches no register.
  ///
  /// - Parameters:
  ///   - layout: the register's description; mostly inferred.
  ///   - region: the registers it is one of.
  ///   - base: in bytes, where the register's block starts, for blocks that a device has several of.
  /// - Throws: `outOfBounds`, `misaligned`, `removed`; `malformed` when fields overlap or leave the
  ///   register.
  public init(
    _ layout: Layout.Type = Layout.self, in region: RegisterRegion, at base: Int = 0
  ) throws(DeviceError) {
    self.region = region
    offset = base + Layout.offset
    try region.requireAccess(at: offset, width: Layout.Bits.bitWidth / 8)
    var clearing: Layout.Bits = 0
    var writeOnly: Layout.Bits = 0
    var taken: UInt64 = 0
    for field in Layout.fields {
      guard taken & field.mask == 0, field.mask <= UInt64(Layout.Bits.max) else {
        throw DeviceError(
          .malformed, device: region.name, operation: "describe the register \(Layout.name)",
          cause: "the field \(field.name) overlaps another or extends beyond the register",
          hint: "compare its bits with the data sheet")
      }
      taken |= field.mask
      let bits = Layout.Bits(truncatingIfNeeded: field.mask)
      if field.access == .writeOneToClear { clearing |= bits }
      if field.access == .writeOnly { writeOnly |= bits }
    }
    self.clearing = clearing
    self.writeOnly = writeOnly
  }

  @inlinable func store(_ value: RegisterValue<Layout>) throws(DeviceError) {
    precondition(
      value.clears & ~clearing == 0, "the layout's fields do not list a field that is cleared")
    try ((value.bits & ~clearing) | value.clears).store(to: region, at: offset)
  }
}

extension Register where Layout.Access: ReadableAccess {
  /// One load. Throws `removed`, and for I/O BARs what the kernel answers.
  @inlinable public func read() throws(DeviceError) -> RegisterValue<Layout> {
    RegisterValue(bits: try Layout.Bits.load(from: region, at: offset))
  }
}

extension Register where Layout.Access: WritableAccess {
  /// One store of the reset value with what `body` changes. Throws `removed`, and for I/O BARs what
  /// the kernel answers.
  @inlinable public func write(
    _ body: (inout RegisterValue<Layout>) -> Void
  ) throws(DeviceError) {
    var value = RegisterValue<Layout>()
    body(&value)
    try store(value)
  }
}

extension Register where Layout.Access: ReadableAccess & WritableAccess {
  /// Exactly one load and one store. What `body` does not change is written back as it was read,
  /// except that fields that writing 1 clears are written as 0 and write-only fields with their
  /// reset value. Throws `removed`, and for I/O BARs what the kernel answers.
  @inlinable @discardableResult
  public func modify<Result>(
    _ body: (inout RegisterValue<Layout>) -> Result
  ) throws(DeviceError) -> Result {
    let loaded = try Layout.Bits.load(from: region, at: offset)
    var value = RegisterValue<Layout>(bits: (loaded & ~writeOnly) | (Layout.reset & writeOnly))
    let result = body(&value)
    try store(value)
    return result
  }
}

// MARK: Values

/// The bits that a register holds or that a write puts there. Touches no device.
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
