// Interrupts as they come, transactions, and lines that the caller services.
import UIO
import Varlink

extension InterruptSyncClient {
  /// Every dispatch of a device from now on, through memory shared with the daemon: for programs
  /// that want each, at any rate. It has a connection of its own. The role observe.
  /// - Parameters:
  ///   - device: a device or a software line.
  ///   - capacity: records that are kept, 16 to 65,536.
  /// - Throws: `noSuchDevice`, `wrongState` when the device was never connected,
  ///   `invalidArgument`, `tooManyRegistrations`, `tooLarge` when the user's rings would have more
  ///   memory than the daemon allows, `systemFailure`, `notRunning`, `permissionDenied`,
  ///   `disconnected`, `timedOut`, `protocolViolation`, `resourcesExhausted`.
  public func subscribe(
    _ device: String, capacity: Int = 1024
  ) throws(InterruptSyncClientError) -> InterruptRing {
    let own = try another()
    let operation = "subscribe"
    let (reader, descriptors) = try own.call(
      "Subscribe", ["device": .string(device), "capacity": .integer(Int64(capacity))],
      device: device, operation: operation)
    return try InterruptRing(
      device: device, memory: try reader.descriptor("ring", descriptors),
      event: try reader.descriptor("event", descriptors),
      captures: try reader.strings("captures"), connection: own)
  }

  /// Interrupts of a device from now on, put together when they come fast: for programs that want
  /// to know, not to count in time. It has a connection of its own. The role observe.
  /// - Throws: `notRunning`, `permissionDenied`, `timedOut`, `resourcesExhausted`; what the daemon
  ///   has against it comes from the first `next`.
  public func events(_ device: String) throws(InterruptSyncClientError) -> InterruptSummaries {
    InterruptSummaries(
      try another().stream(
        "Events", ["device": .string(device)], device: device, operation: "watch"))
  }

  /// Runs operations as one synchronized routine of a device. Each is checked before the first
  /// touches anything. The role control.
  /// - Returns: a result for each operation.
  /// - Throws: `noSuchDevice`, `wrongState` when the device is not serviced, `busy`,
  ///   `badRegister`, `tooLarge`, `waitExpired`, `deviceGone`, `systemFailure`,
  ///   `permissionDenied`, `disconnected`, `timedOut`, `protocolViolation`.
  public func transact(
    _ device: String, _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    try connection.transact(device, operations)
  }

  /// Takes over the service of a device: its routines are set aside, and each interrupt waits,
  /// with the line masked, for the caller to complete it. It has a connection of its own, and ends
  /// with it. The role control.
  /// - Parameters:
  ///   - device: a device or software line, with a file or without.
  ///   - deadline: how long the caller may take from an interrupt to its completion; nil takes the
  ///     daemon's AttachDeadlineSec=.
  /// - Throws: `noSuchDevice`, `busy`, `wrongState`, `invalidArgument` for a deadline beyond the
  ///   daemon's, `tooManyRegistrations`, `systemFailure`, `notRunning`, `permissionDenied`,
  ///   `disconnected`, `timedOut`, `protocolViolation`.
  public func attach(
    _ device: String, deadline: Duration? = nil
  ) throws(InterruptSyncClientError) -> AttachedDevice {
    let own = try another()
    var parameters: JSONObject = ["device": .string(device)]
    if let deadline { parameters["deadlineMicroseconds"] = JSON(deadline.nanoseconds / 1000) }
    let (reader, descriptors) = try own.call(
      "Attach", parameters, device: device, operation: "attach")
    return AttachedDevice(
      device, event: try reader.descriptor("event", descriptors), connection: own)
  }
}

extension DaemonConnection {
  func transact(
    _ device: String, _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    let reader = try call(
      "Transact",
      [
        "device": .string(device), "operations": .array(operations.map { .object($0.json) }),
      ], device: device, operation: "transact"
    ).reader
    let results = try reader.counts("results")
    guard results.count == operations.count else {
      throw reader.violation("\(results.count) results of \(operations.count) operations")
    }
    return results
  }
}

extension ReplyReader {
  /// The descriptor that a member names by its number.
  fileprivate func descriptor(
    _ key: String, _ all: [FileDescriptor]
  ) throws(InterruptSyncClientError) -> FileDescriptor {
    let number = try count(key)
    guard number < all.count else { throw violation("\(key) names a descriptor that did not come") }
    return all[Int(number)]
  }
}
