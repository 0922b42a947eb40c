/// Stands where a device's registers would be, in tests of drivers.
///
/// Called from whatever thread accesses the region; an access has passed the region's checks.
public protocol RegisterInterposer: AnyObject, Sendable {
  /// The value of `width` bytes (1, 2, 4 or 8) at `offset`. What it throws, the access throws.
  func read(at offset: Int, width: Int) throws(UIOError) -> UInt64
  /// Takes `width` bytes (1, 2, 4 or 8) at `offset`. What it throws, the access throws.
  func write(_ value: UInt64, at offset: Int, width: Int) throws(UIOError)
}
