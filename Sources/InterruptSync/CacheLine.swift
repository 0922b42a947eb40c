/// Memory that shares no cache line with anything else.
enum CacheLine {
  /// Bytes, on every processor this runs on (some arm64 boards fetch two at a time).
  private static let size = 64

  /// Not initialized.
  static func allocate<Value>() -> UnsafeMutablePointer<Value> {
    let bytes = (MemoryLayout<Value>.size + size - 1) / size * size
    let raw = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: size)
    return unsafe raw.bindMemory(to: Value.self, capacity: 1)
  }

  /// Deinitialized by now.
  static func deallocate<Value>(_ pointer: UnsafeMutablePointer<Value>) {
    unsafe UnsafeMutableRawPointer(pointer).deallocate()
  }
}
