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
  /// Bits that a write has 1 in only where a field is to be cleared.
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
  ) throws(UIOError) {
    self.region = region
    offset = base + Layout.offset
    try region.requireAccess(at: offset, width: Layout.Bits.bitWidth / 8)
    var clearing: Layout.Bits = 0
    var writeOnly: Layout.Bits = 0
    var taken: UInt64 = 0
    for field in Layout.fields {
      guard taken & field.mask == 0, field.mask <= UInt64(Layout.Bits.max) else {
        throw UIOError(
          .malformed, device: region.name, operation: "describe the register \(Layout.name)",
          cause: "the field \(field.name) overlaps another or leaves the register",
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

  @inlinable func store(_ value: RegisterValue<Layout>) throws(UIOError) {
    precondition(
      value.clears & ~clearing == 0, "a field that is cleared is missing in its layout's fields")
    try ((value.bits & ~clearing) | value.clears).store(to: region, at: offset)
  }
}

extension Register where Layout.Access: ReadableAccess {
  /// One load. Throws `removed`, and for I/O BARs what the kernel answers.
  @inlinable public func read() throws(UIOError) -> RegisterValue<Layout> {
    RegisterValue(bits: try Layout.Bits.load(from: region, at: offset))
  }
}

extension Register where Layout.Access: WritableAccess {
  /// One store of the reset value with what `body` changes. Throws `removed`, and for I/O BARs what
  /// the kernel answers.
  @inlinable public func write(
    _ body: (inout RegisterValue<Layout>) -> Void
  ) throws(UIOError) {
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
  ) throws(UIOError) -> Result {
    let loaded = try Layout.Bits.load(from: region, at: offset)
    var value = RegisterValue<Layout>(bits: (loaded & ~writeOnly) | (Layout.reset & writeOnly))
    let result = body(&value)
    try store(value)
    return result
  }
}
