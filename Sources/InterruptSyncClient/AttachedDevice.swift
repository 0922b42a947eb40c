// Floor 6. A line that this program services instead of the daemon. `InterruptSyncClient.attach`
// makes it; programs and interruptsyncctl's `attach` call it on one thread at a time, which sleeps
// in `wait`. Each one has its own connection, and no lock: the daemon takes the interrupt lock for
// its transactions.
import CUIO
import LinuxSystem
import Varlink

/// A device that this program services. Releasing the object detaches the device: the daemon then
/// masks the line, or services it again as the device's file says. Use it from one thread at a
/// time.
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
  /// The name that you attached it by.
  public let device: String
  private let event: FileDescriptor
  private let connection: DaemonConnection

  init(_ device: String, event: FileDescriptor, connection: DaemonConnection) {
    self.device = device
    self.event = event
    self.connection = connection
  }

  /// Readable when an interrupt is pending. Add it to a poll loop of your own, and call `wait`
  /// when it becomes readable.
  public var descriptor: Int32 { event.raw }

  /// Waits for an interrupt. The line is then masked, and stays masked until `complete`.
  /// - Parameter timeout: nil waits without limit.
  /// - Returns: false when no interrupt came in time. True also when the attachment has ended,
  ///   because you missed the deadline or the device has gone: `complete` then throws.
  /// - Throws: `disconnected` when the daemon has ended the connection.
  public func wait(timeout: Duration? = nil) throws(InterruptSyncClientError) -> Bool {
    switch connection.wait(for: event, until: Deadline(timeout)) {
    case .signalled, .ended:
      _ = linux_wake_pair_drain(event.raw)
      return true
    case .timedOut: return false
    case .hungUp:
      throw InterruptSyncClientError(
        .disconnected, object: device, operation: "wait for an interrupt",
        cause: "the daemon closed the connection, which ended the attachment",
        hint: "systemctl status interruptsyncd shows why; then attach the device again")
    }
  }

  /// Runs operations as one synchronized routine, mutually exclusive with other clients'
  /// transactions.
  /// - Returns: a result for each operation.
  /// - Throws: as `InterruptSyncClient.transact`.
  public func transact(
    _ operations: [RegisterOperation]
  ) throws(InterruptSyncClientError) -> [UInt64] {
    try connection.transact(device, operations)
  }

  /// Reports that you have serviced the interrupt, and unmasks the line.
  /// - Parameter claimed: whether your device raised it.
  /// - Returns: interrupts since the last completion.
  /// - Throws: `notAttached` when you missed the deadline, `deviceGone`, `systemFailure`,
  ///   `disconnected`, `timedOut`.
  public func complete(claimed: Bool = true) throws(InterruptSyncClientError) -> UInt64 {
    try connection.call(
      "Complete", ["device": .string(device), "claimed": .bool(claimed)], device: device,
      operation: "complete the interrupt"
    ).reader.count("interrupts")
  }

  /// Hands the device back to the daemon.
  /// - Throws: `notAttached` when the attachment has ended already, `disconnected`, `timedOut`.
  public func detach() throws(InterruptSyncClientError) {
    _ = try connection.call(
      "Detach", ["device": .string(device)], device: device, operation: "detach")
  }
}
