/// What devices do, one change after the other. It ends when it is let go.
public struct DeviceChanges {
  private var stream: ReplyStream

  init(_ stream: ReplyStream) { self.stream = stream }

  /// Waits for the next change; nil when the daemon has no more to tell.
  /// - Parameter timeout: nil waits without end.
  /// - Throws: `timedOut`, after which one may go on; `permissionDenied`, `disconnected`,
  ///   `protocolViolation`.
  public mutating func next(
    timeout: Duration? = nil
  ) throws(InterruptSyncClientError) -> DeviceChange? {
    guard let reader = try stream.next(timeout: timeout) else { return nil }
    return try DeviceChange(reader)
  }
}
