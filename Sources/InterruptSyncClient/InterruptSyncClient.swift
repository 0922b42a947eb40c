// The daemon's interface for Swift programs. Calls wait for their answers; what goes on (changes,
// interrupts, attachments) has connections of its own, and ends when it is let go.
import Glibc
import Varlink

/// A connection to interruptsyncd. Its calls wait. One thread at a time.
///
/// Devices are named as everywhere: by stable id (`pci-0000:00:03.0`), node (`/dev/uio0`, `uio0`),
/// uio name where it is unique, or the name of a software line. What a client registers ends with
/// its connection unless it is persistent.
public final class InterruptSyncClient {
  static let interface = "io.interruptsync"

  /// Where the daemon listens: the variable INTERRUPTSYNC_ADDRESS of the environment, or
  /// `/run/interruptsync/io.interruptsync`.
  public static var defaultAddress: String {
    if let address = unsafe getenv("INTERRUPTSYNC_ADDRESS"), unsafe address.pointee != 0 {
      return unsafe String(cString: address)
    }
    return "/run/interruptsync/io.interruptsync"
  }

  /// The address of this connection.
  public let address: String
  /// How long to wait for each answer; nil: without end.
  public let timeout: Duration?
  let connection: DaemonConnection

  /// Connects.
  /// - Parameters:
  ///   - address: a path, `unix:PATH` or `unix:@NAME`; nil takes `defaultAddress`.
  ///   - timeout: for connecting and for each answer; nil waits without end.
  /// - Throws: `notRunning`, `permissionDenied`, `timedOut`, `invalidArgument` for a malformed
  ///   address, `resourcesExhausted`.
  public init(
    address: String? = nil, timeout: Duration? = .seconds(10)
  ) throws(InterruptSyncClientError) {
    self.address = address ?? Self.defaultAddress
    self.timeout = timeout
    connection = try DaemonConnection(self.address, timeout: timeout)
  }

  /// Another connection to the same daemon.
  func another() throws(InterruptSyncClientError) -> DaemonConnection {
    try DaemonConnection(address, timeout: timeout)
  }
}

extension InterruptSyncClient {
  /// The daemon's process, as the kernel knew it when it began to listen.
  package var daemonProcess: Int32? {
    PeerCredentials(of: connection.client.socket)?.process
  }
}
