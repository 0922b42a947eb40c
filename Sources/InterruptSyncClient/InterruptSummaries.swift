/// Interrupts of a device as they come, put together for who reads slowly. It ends when it is let
/// go.
public struct InterruptSummaries {
  private var stream: ReplyStream

  init(_ stream: ReplyStream) { self.stream = stream }

  /// Waits for interrupts; nil when the daemon has no more to tell.
  /// - Parameter timeout: nil waits without end.
  /// - Throws: `timedOut`, after which one may go on; `noSuchDevice`, `wrongState`,
  ///   `tooManyRegistrations`, `permissionDenied`, `disconnected`, `protocolViolation`.
  public mutating func next(
    timeout: Duration? = nil
  ) throws(InterruptSyncClientError) -> InterruptSummary? {
    guard let reader = try stream.next(timeout: timeout) else { return nil }
    return try InterruptSummary(reader)
  }
}
