// Floor 7. How the program ends when a command fails: the exit statuses, and the errors that it
// prints. The entry point (Control.swift) calls it last, commands take statuses and errors from it.
// On the program's one thread; no lock.
import Glibc
import InterruptSyncClient
import UIO

/// How the program ends when a command fails.
enum Failure {
  static let failed: Int32 = 1
  static let wrongUsage: Int32 = 2
  /// For `status`, as in the LSB's init scripts.
  static let notRunning: Int32 = 3
  static let noSuchDevice: Int32 = 4
  /// EX_NOPERM of sysexits.h.
  static let notPermitted: Int32 = 77

  static func status(_ error: InterruptSyncClientError) -> Int32 {
    error.code == .permissionDenied ? notPermitted : failed
  }

  static func end(_ error: InterruptSyncClientError) -> Never {
    Console.say(error.description)
    Glibc.exit(status(error))
  }

  static func end(_ error: UIOError) -> Never {
    Console.say(error.description)
    Glibc.exit(error.code == .permissionDenied ? notPermitted : failed)
  }
}

extension InterruptSyncClientError {
  /// Nothing happened within the time given on the command line.
  static func timedOut(_ object: String, _ cause: String = "no interrupt came in time") -> Self {
    InterruptSyncClientError(
      .timedOut, object: object, operation: "wait", cause: cause,
      hint: "interruptsyncctl doctor may show why")
  }

  /// A device did not reach the state within the time given on the command line.
  /// - Parameter device: as the daemon described it last; nil: it knew no such device.
  static func neverCame(_ name: String, _ device: Device?) -> Self {
    guard let device else {
      return InterruptSyncClientError(
        .timedOut, object: name, operation: "wait",
        cause: "no device with this name appeared in time",
        hint: "interruptsyncctl list shows the devices")
    }
    let why = device.failure.map { ": \($0)" } ?? ""
    return InterruptSyncClientError(
      .timedOut, object: name, operation: "wait",
      cause: "the time is up, and it is still \(device.state.rawValue)\(why)",
      hint: device.failureHint ?? "interruptsyncctl doctor \(name) may show why")
  }
}
