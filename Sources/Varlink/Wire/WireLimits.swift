/// What one message may cost its receiver.
package struct WireLimits: Sendable, Equatable {
  /// Bytes of a message, its final zero not counted.
  package var messageBytes: Int
  /// Descriptors with one message; the kernel passes no more than 253 in a piece.
  package var descriptors: Int

  package init(messageBytes: Int = 1 << 20, descriptors: Int = 16) {
    self.messageBytes = messageBytes
    self.descriptors = descriptors
  }
}
