// A line whose service is this program's.
import CUIO
import UIO
import Varlink

/// The service of a device, taken over from the daemon. One thread at a time. It ends when this is
/// let go: the line is then masked, or serviced again as the device's file says.
///
/// ```swift
/// let card = try client.attach("pci-0000:00:03.0")
/// while try card.wait() {
///   let status = try card.transact([.read(claim)])[0]
///   _ = try card.transact([.write(acknowledge, value: status)])
///   _ = try card.complete(claimed: status != 0)
/// }
/// ```
public final class AttachedDevice {
  /// As it was named when it was attached.
  public let device: String
  private let event: FileDescriptor
  private let connection: DaemonConnection

  init(_ device: String, event: FileDescriptor, connection: DaemonConnection) {
    self.device = device
    self.event = event
    self.connection = connection
  }

  /// Readable when an interrupt waits; for programs with a poll loop of their own, which then call
  /// `wait`.
  public var descriptor: Int32 { event.raw }

  /// Waits for an interrupt. The line is masked then, and stays so until `complete`.
  /// - Parameter timeout: nil waits without end.
  /// - Returns: false when none came in time. True also when the attachment has ended by its
  ///   deadline or with its device: `complete` then throws.
  /// - Throws: `disconnected` when the daemon has ended the connection.
  public func wait(timeout: Duration? = nil) throws(InterruptSyncClientError) -> Bool {
    switch connection.wait(for: event, until: Deadline(timeout)) {
    case .signalled:
      _ = cuio_event_drain(event.raw)
      return true
    case .timedOut: return false
    case .hungUp:
      throw InterruptSyncClientError(
        .disconnected, object: device, operation: "wait for an interrupt",
        cause: "the daemon ended the connection, and with it the attachment",
        hint: "systemctl status interruptsyncd says why; attach it anew")
    }
  }

  /// Runs operations as one synchronized routine, exclusive of other clients' transactions.
  /// - Returns: a result for each operation.
  /// - Throws: as `InterruptSyncClient.transact`.
  public func transact(
    _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    try connection.transact(device, operations)
  }

  /// Says that the interrupt has been serviced, and unmasks the line.
  /// - Parameter claimed: whether it was the device's.
  /// - Returns: interrupts since the last completion.
  /// - Throws: `notAttached` when the deadline was missed, `deviceGone`, `systemFailure`,
  ///   `disconnected`, `timedOut`.
  public func complete(claimed: Bool = true) throws(InterruptSyncClientError) -> UInt64 {
    try connection.call(
      "Complete", ["device": .string(device), "claimed": .bool(claimed)], device: device,
      operation: "complete the interrupt"
    ).reader.count("interrupts")
  }

  /// Gives the service back.
  /// - Throws: `notAttached` when it has ended already, `disconnected`, `timedOut`.
  public func detach() throws(InterruptSyncClientError) {
    _ = try connection.call(
      "Detach", ["device": .string(device)], device: device, operation: "detach")
  }
}
