// Floor 6. Interrupts as a stream of messages, for programs that read slowly: the daemon merges
// what came since the last message. `InterruptSyncClient.events` makes it; programs and
// interruptsyncctl read it on one thread at a time, which sleeps in `next`. It has its own
// connection and no lock.
package import Varlink

/// The interrupts of a device, in order; the daemon merges them when they come faster than you
/// read. Releasing the value ends the stream.
public struct InterruptSummaries {
  private var stream: ReplyStream

  init(_ stream: ReplyStream) { self.stream = stream }

  /// Waits for interrupts; nil when the daemon has ended the stream.
  /// - Parameter timeout: nil waits without limit.
  /// - Throws: `timedOut`, after which you may call it again; `noSuchDevice`, `wrongState`,
  ///   `tooManyRegistrations`, `permissionDenied`, `disconnected`, `protocolViolation`.
  public mutating func next(
    timeout: Duration? = nil
  ) throws(InterruptSyncClientError) -> InterruptSummary? {
    guard let reader = try stream.next(timeout: timeout) else { return nil }
    return try InterruptSummary(reader)
  }
}

/// The interrupts that came since the previous summary, merged.
public struct InterruptSummary: Sendable {
  /// Interrupts.
  public let interrupts: UInt64
  /// Dispatches for them.
  public let dispatches: UInt64
  /// When the last of them was dispatched, as the time since the zero of CLOCK_MONOTONIC.
  public let timestamp: Duration
  /// Whether a routine claimed the last one.
  public let claimed: Bool
  /// The registers that the last one captured, by name.
  public let captured: [String: UInt64]
  /// Interrupts that shared a dispatch with another, as in `DeviceStatistics`.
  public let coalesced: UInt64
  /// As the daemon sent it.
  package let json: JSONObject

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    interrupts = try reader.count("interrupts")
    dispatches = try reader.count("dispatches")
    timestamp = try reader.nanoseconds("timestampNanoseconds")
    claimed = try reader.bool("claimed")
    coalesced = try reader.count("coalesced")
    let values = try reader.reader("captured")
    var captured: [String: UInt64] = [:]
    for member in values.object.members { captured[member.key] = try values.count(member.key) }
    self.captured = captured
    json = reader.object
  }
}
