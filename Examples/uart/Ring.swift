/// Bytes in the order in which they came. Lives in place and allocates nothing.
struct Ring: Sendable {
  static let capacity = 4096

  private var bytes = InlineArray<4096, UInt8>(repeating: 0)
  private var first = 0
  private(set) var count = 0

  var space: Int { Self.capacity - count }

  /// Only while there is space.
  mutating func append(_ byte: UInt8) {
    bytes[(first + count) % Self.capacity] = byte
    count += 1
  }

  mutating func popFirst() -> UInt8? {
    guard count > 0 else { return nil }
    defer {
      first = (first + 1) % Self.capacity
      count -= 1
    }
    return bytes[first]
  }
}
