// Floor 6. Where a daemon is: behind a socket of this machine, or at the other end of a program that
// carries the connection's bytes, such as ssh. InterruptSyncClient keeps it, for its further
// connections, and interruptsyncctl makes those with a program. Values; what connects runs on the
// caller's thread, which sleeps.
import Glibc
package import LinuxSystem
import Varlink

/// A place at which a daemon can be called.
package enum DaemonPlace: Sendable {
  /// A local socket: a path, `unix:PATH` or `unix:@NAME`.
  case socket(String)
  case program(Carrier)

  /// A program whose standard input and output lead to `interruptsyncctl bridge` at a daemon.
  package struct Carrier: Sendable {
    package let command: [String]
    /// Where the daemon is, for people: `root@bench`.
    package let name: String
    /// Advice for a failure of the program itself.
    package let hint: String
    /// How long it may take to connect. It may ask a person for a password.
    package var patience = Duration.seconds(1_000_000)

    package init(_ command: [String], name: String, hint: String) {
      self.command = command
      self.name = name
      self.hint = hint
    }

    /// As exit status of `interruptsyncctl bridge`: no daemon listens there.
    package static let notRunning: Int32 = 3
    /// The daemon's socket is closed to the user there.
    package static let notPermitted: Int32 = 77
    /// As shells and env(1) have it.
    private static let notFound: Int32 = 127
  }

  /// For errors.
  var name: String {
    switch self {
    case .socket(let address): address
    case .program(let carrier): carrier.name
    }
  }

  func connect(timeout: Duration?) throws(InterruptSyncClientError) -> VarlinkClient {
    switch self {
    case .socket(let address):
      do throws(VarlinkError) { return try VarlinkClient(address, timeout: timeout) } catch {
        throw InterruptSyncClientError(
          error, object: address, operation: InterruptSyncClientError.connecting)
      }
    case .program(let carrier): return try carrier.connect(timeout: timeout)
    }
  }
}

extension InterruptSyncClientError {
  fileprivate static let connecting = "connect to the daemon"
}

extension DaemonPlace.Carrier {
  /// Waits for the program as long as `patience` says.
  fileprivate func connect(
    timeout: Duration?
  ) throws(InterruptSyncClientError) -> VarlinkClient {
    let process: ConnectedProcess
    do throws(SystemError) { process = try ConnectedProcess(command) } catch {
      throw failure(error)
    }
    do throws(VarlinkError) {
      let client = try VarlinkClient(process, name: name, timeout: timeout)
      _ = try client.call("\(ServiceInterface.name).GetInfo", timeout: patience)
      return client
    } catch {
      guard error.code == .disconnected else {
        throw InterruptSyncClientError(
          error, object: name, operation: InterruptSyncClientError.connecting)
      }
      throw failure(process.wait())
    }
  }

  /// The program cannot be started.
  package func failure(_ error: SystemError) -> InterruptSyncClientError {
    failure(
      .systemFailure, "\(error.operation): \(error.errno)",
      error.number == ENOENT ? "install it: \(command[0])" : "raise the limit that is reached",
      errno: error.number)
  }

  private func failure(_ ending: ConnectedProcess.Ending) -> InterruptSyncClientError {
    switch ending {
    case .exited(Self.notRunning):
      failure(
        .notRunning, "no daemon listens there", "start it there: systemctl start interruptsyncd")
    case .exited(Self.notPermitted):
      failure(
        .permissionDenied, "the daemon's socket is closed to you there",
        "members of the socket's group may connect; the message above names it")
    case .exited(Self.notFound):
      failure(
        .systemFailure, "interruptsyncctl was not found there",
        "install interruptsyncd there; interruptsyncctl must be on the PATH of a shell that is not interactive"
      )
    case .exited(let status):
      failure(.systemFailure, "\(command[0]) failed with status \(status)", hint)
    case .signalled(let signal):
      failure(.systemFailure, "\(command[0]) was ended by signal \(signal)", hint)
    }
  }

  private func failure(
    _ code: InterruptSyncClientError.Code, _ cause: String, _ hint: String, errno: Int32 = 0
  ) -> InterruptSyncClientError {
    InterruptSyncClientError(
      code, object: name, operation: InterruptSyncClientError.connecting, cause: cause, hint: hint,
      errno: errno)
  }
}
