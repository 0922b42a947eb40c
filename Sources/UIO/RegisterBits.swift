/// A width that registers have: `UInt8`, `UInt16`, `UInt32`, `UInt64`.
public protocol RegisterBits: FixedWidthInteger, UnsignedInteger, Sendable {
  /// One load of this width. Throws as the region's reads do.
  static func load(from region: RegisterRegion, at offset: Int) throws(UIOError) -> Self
  /// One store of this width. Throws as the region's writes do.
  func store(to region: RegisterRegion, at offset: Int) throws(UIOError)
}

extension UInt8: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(UIOError) -> Self { try region.read8(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(UIOError) {
    try region.write8(self, at: offset)
  }
}

extension UInt16: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(UIOError) -> Self { try region.read16(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(UIOError) {
    try region.write16(self, at: offset)
  }
}

extension UInt32: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(UIOError) -> Self { try region.read32(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(UIOError) {
    try region.write32(self, at: offset)
  }
}

extension UInt64: RegisterBits {
  @inlinable public static func load(
    from region: RegisterRegion, at offset: Int
  ) throws(UIOError) -> Self { try region.read64(at: offset) }

  @inlinable public func store(to region: RegisterRegion, at offset: Int) throws(UIOError) {
    try region.write64(self, at: offset)
  }
}
