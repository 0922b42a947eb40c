// How a program reads and writes memory that it shares with a device: word by word as registers, or
// many bytes at once, checked. Floor 2. Drivers call it, on any thread and at any level, also with
// the interrupt lock held; it takes none, the program orders its threads. `read` allocates its
// result, `region` the region: make that one outside of routines.

extension DMABuffer {
  /// The same bytes as a region: each access is done once, in the width that you say, and is
  /// checked against the bounds. For rings and descriptors, also those that you write down as
  /// `RegisterLayout`s.
  ///
  /// The region keeps the buffer, and stays valid when the device is gone.
  public func region() -> RegisterRegion {
    unsafe RegisterRegion(name: "DMA buffer at \(deviceAddress)", memory: bytes, owner: self)
  }

  /// Copies `data` into the buffer, from `offset` on.
  /// - Throws: `outOfBounds`.
  public func write(_ data: some Collection<UInt8>, at offset: Int = 0) throws(DeviceError) {
    try requireBounds(offset, data.count)
    let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[offset..<offset + data.count])
    unsafe part.copyBytes(from: data)
  }

  /// Copies `count` bytes out of the buffer, from `offset` on.
  /// - Throws: `outOfBounds`.
  public func read(_ count: Int, at offset: Int = 0) throws(DeviceError) -> [UInt8] {
    try requireBounds(offset, count)
    return unsafe Array(bytes[offset..<offset + count])
  }

  private func requireBounds(_ offset: Int, _ count: Int) throws(DeviceError) {
    guard offset >= 0, count >= 0, count <= size, offset <= size - count else {
      throw DeviceError(
        .outOfBounds, device: "DMA buffer at \(deviceAddress)", operation: "access the memory",
        cause: "\(count) bytes at offset \(offset) leave the \(size) bytes of the buffer",
        hint: "use a range within the buffer, or make it larger")
    }
  }
}
