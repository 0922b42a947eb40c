package import Varlink

/// What a device's line and its routines have done.
public struct DeviceStatistics: Sendable {
  /// What one service routine has done.
  public struct Routine: Equatable, Sendable {
    /// The routine's name.
    public let name: String
    /// How often it was called.
    public let calls: UInt64
    /// How often the interrupt was its device's.
    public let claims: UInt64
  }

  /// The device.
  public let id: String
  /// Interrupts counted by the kernel since the device was first connected, restarts of the daemon
  /// included.
  public let interrupts: UInt64
  /// Times that the routines were walked for an interrupt.
  public let dispatches: UInt64
  /// Interrupts that came while another was being serviced.
  public let coalesced: UInt64
  /// Dispatches that a routine claimed.
  public let claimed: UInt64
  /// Dispatches that none claimed.
  public let unclaimed: UInt64
  /// Walks of the routine list; more than dispatches in the mode repeat.
  public let passes: UInt64
  /// Times that the line could not be unmasked.
  public let rearmFailures: UInt64
  /// Times that the storm brake took hold.
  public let storms: UInt64
  /// Synchronized routines, transactions among them.
  public let synchronizedCalls: UInt64
  /// Nanoseconds that the lock was held at the longest.
  public let longestHoldNanoseconds: UInt64
  /// Nanoseconds that somebody waited for the lock at the longest.
  public let longestWaitNanoseconds: UInt64
  /// The service routines, in order.
  public let routines: [Routine]
  /// As the daemon sent it.
  package let json: JSONObject

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    id = try reader.string("id")
    interrupts = try reader.count("interrupts")
    dispatches = try reader.count("dispatches")
    coalesced = try reader.count("coalesced")
    claimed = try reader.count("claimed")
    unclaimed = try reader.count("unclaimed")
    passes = try reader.count("passes")
    rearmFailures = try reader.count("rearmFailures")
    storms = try reader.count("storms")
    synchronizedCalls = try reader.count("synchronizedCalls")
    longestHoldNanoseconds = try reader.count("longestHoldNanoseconds")
    longestWaitNanoseconds = try reader.count("longestWaitNanoseconds")
    var routines: [Routine] = []
    for routine in try reader.readers("routines") {
      routines.append(
        Routine(
          name: try routine.string("name"), calls: try routine.count("calls"),
          claims: try routine.count("claims")))
    }
    self.routines = routines
    json = reader.object
  }
}
