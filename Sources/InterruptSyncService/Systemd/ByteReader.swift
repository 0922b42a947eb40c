/// Takes numbers and runs of bytes from the front, never more than there is.
struct ByteReader {
  private var rest: ArraySlice<UInt8>

  init(_ bytes: ArraySlice<UInt8>) { rest = bytes }

  var isAtEnd: Bool { rest.isEmpty }

  mutating func bytes(_ count: Int) throws(StateFault) -> ArraySlice<UInt8> {
    guard count <= rest.count else { throw StateFault("it ends too early") }
    defer { rest = rest.dropFirst(count) }
    return rest.prefix(count)
  }

  /// Little endian.
  mutating func number<T: FixedWidthInteger>(_ type: T.Type) throws(StateFault) -> T {
    try bytes(T.bitWidth / 8).reversed().reduce(0) { $0 << 8 | T($1) }
  }
}
