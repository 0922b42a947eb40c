// Floor 6. Counters of one line, which `InterruptSyncClient.statistics` makes from a reply of
// GetStatistics; programs and interruptsyncctl read them. Values, for any thread; no lock.
package import Varlink

/// What a device's line and its routines have done.
public struct DeviceStatistics: Sendable {
  /// What one service routine has done.
  public struct Routine: Equatable, Sendable {
    /// The routine's name.
    public let name: String
    /// How often the dispatcher called it.
    public let calls: UInt64
    /// How often it claimed the interrupt.
    public let claims: UInt64

    init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
      name = try reader.string("name")
      calls = try reader.count("calls")
      claims = try reader.count("claims")
    }
  }

  /// The device.
  public let id: String
  /// Interrupts counted by the kernel since the device was first connected, across restarts of
  /// the daemon.
  public let interrupts: UInt64
  /// How often the dispatcher walked the routines for an interrupt.
  public let dispatches: UInt64
  /// Interrupts that came while another was being serviced.
  public let coalesced: UInt64
  /// Dispatches that a routine claimed.
  public let claimed: UInt64
  /// Dispatches that no routine claimed.
  public let unclaimed: UInt64
  /// Walks of the routine list; more than dispatches in the mode repeat.
  public let passes: UInt64
  /// How often unmasking the line failed.
  public let rearmFailures: UInt64
  /// How often the storm brake masked the line.
  public let storms: UInt64
  /// Those of them whose routines claimed: none silenced the device. 0 from a daemon that does not
  /// say.
  public let claimedStorms: UInt64
  /// Synchronized routines, including transactions.
  public let synchronizedCalls: UInt64
  /// The longest time that the interrupt lock was held.
  public let longestHold: Duration
  /// The longest time that a caller waited for the interrupt lock.
  public let longestWait: Duration
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
    claimedStorms = reader.object["claimedStorms"]?.uint64 ?? 0
    synchronizedCalls = try reader.count("synchronizedCalls")
    longestHold = try reader.nanoseconds("longestHoldNanoseconds")
    longestWait = try reader.nanoseconds("longestWaitNanoseconds")
    routines = try reader.list("routines", Routine.init)
    json = reader.object
  }
}
