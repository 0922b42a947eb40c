package import Varlink

/// What `events` tells: the interrupts that came since the last summary was taken, put together.
public struct InterruptSummary: Sendable {
  /// Interrupts.
  public let interrupts: UInt64
  /// Dispatches for them.
  public let dispatches: UInt64
  /// When the last of them was dispatched, in nanoseconds of CLOCK_MONOTONIC.
  public let timestampNanoseconds: UInt64
  /// Whether a routine claimed the last one.
  public let claimed: Bool
  /// What the last one captured, by name.
  public let captured: [String: UInt64]
  /// Dispatches beside the last that this summary stands for.
  public let coalesced: UInt64
  /// As the daemon sent it.
  package let json: JSONObject

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    interrupts = try reader.count("interrupts")
    dispatches = try reader.count("dispatches")
    timestampNanoseconds = try reader.count("timestampNanoseconds")
    claimed = try reader.bool("claimed")
    coalesced = try reader.count("coalesced")
    let values = try reader.reader("captured")
    var captured: [String: UInt64] = [:]
    for member in values.object.members { captured[member.key] = try values.count(member.key) }
    self.captured = captured
    json = reader.object
  }
}
