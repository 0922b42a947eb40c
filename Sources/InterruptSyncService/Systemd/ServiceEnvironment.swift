import CUIO
import Glibc

/// What a service manager says to a process through its environment (sd_notify(3),
/// sd_listen_fds(3), sd_watchdog_enabled(3)).
package struct ServiceEnvironment: Sendable {
  /// Of the variables below and RUNTIME_DIRECTORY, those that are set.
  package var variables: [String: String]
  /// The process they have to be meant for.
  package var process: Int32
  /// Tells the process from others that had its number; nil where the kernel does not say.
  package var processIdentity: UInt64?

  private static let names = [
    "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID", "LISTEN_FDS", "LISTEN_PID", "LISTEN_PIDFDID",
    "LISTEN_FDNAMES",
  ]

  package init(
    _ variables: [String: String] = [:], process: Int32 = getpid(), processIdentity: UInt64? = nil
  ) {
    self.variables = variables
    self.process = process
    self.processIdentity = processIdentity
  }

  /// The variables of this process, which are unset so that no child takes them for its own. Before
  /// there are other threads: they may read the environment.
  package static func take() -> ServiceEnvironment {
    var environment = ServiceEnvironment()
    for name in names {
      guard let value = unsafe getenv(name) else { continue }
      environment.variables[name] = unsafe String(cString: value)
      _ = unsafe unsetenv(name)
    }
    environment.variables["RUNTIME_DIRECTORY"] =
      unsafe getenv("RUNTIME_DIRECTORY").map { unsafe String(cString: $0) }
    var identity: UInt64 = 0
    if unsafe cuio_process_identity(&identity) == 0 { environment.processIdentity = identity }
    return environment
  }

  package var hasManager: Bool { variables["NOTIFY_SOCKET"] != nil }

  package subscript(name: String) -> String? { variables[name] }
}
