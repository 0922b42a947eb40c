// Floor 6. The one error that every call of this module throws, with the values it carries. This
// module and interruptsyncctl make it; programs catch it. Values, for any thread; no lock.
public import LinuxSystem
import Varlink

/// The daemon's Varlink interface, whose methods and errors have its name in front.
let daemonInterface = "io.interruptsync"

/// A failure of a call to the daemon. It names the object, the operation and the cause, and says
/// what to do.
public struct InterruptSyncClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The cause, for programs.
  public enum Code: String, Sendable, CaseIterable {
    /// No daemon listens at the address.
    case notRunning
    /// The process may not connect, or may connect but not do this.
    case permissionDenied
    /// No device has this name, or the caller may not observe it.
    case noSuchDevice
    /// The device exists, but is not in the state that the call needs.
    case wrongState
    /// Another client has attached the device.
    case busy
    /// The device's file does not allow it, or the device has no file.
    case notAllowed
    /// A register that is malformed, out of bounds, misaligned or of a region that does not exist.
    case badRegister
    /// More operations or more time than the daemon allows in one transaction, or more memory for
    /// a user's rings.
    case tooLarge
    /// A wait of a transaction timed out; `results` has what was done.
    case waitExpired
    /// The device went away; `results` has what was done before.
    case deviceGone
    /// The attachment has ended: you missed its deadline, its device has gone, or you detached.
    case notAttached
    /// The configuration has errors; `diagnostics` says where.
    case configurationRejected
    /// The user has as many registrations as the daemon allows.
    case tooManyRegistrations
    /// A system call of the daemon failed; `errno` has the kernel's answer.
    case systemFailure
    /// The daemon does not accept an argument.
    case invalidArgument
    /// The daemon's version cannot do this.
    case unsupported
    /// The daemon ended the connection.
    case disconnected
    /// No answer came in time.
    case timedOut
    /// The daemon sent something that the interface does not allow.
    case protocolViolation
    /// Out of descriptors or memory.
    case resourcesExhausted
    /// A failure that no other code describes.
    case unexpected
  }

  /// The cause, as a value for programs to switch on.
  public let code: Code
  /// The device as the caller named it, or the daemon's address.
  public let object: String
  /// What the library was doing.
  public let operation: String
  /// The cause, in words.
  public let cause: String
  /// What you can do about it; empty when there is nothing to do.
  public let hint: String
  /// The kernel's answer; nil when no system call failed.
  public let errno: Errno?
  /// For a transaction that ended early: a result for each operation that was carried out.
  public let results: [UInt64]
  /// For `configurationRejected`: what is wrong with the configuration.
  public let diagnostics: [ConfigurationDiagnostic]

  /// - Parameter errno: 0 when no system call failed.
  package init(
    _ code: Code, object: String, operation: String, cause: String, hint: String = "",
    errno: Int32 = 0, results: [UInt64] = [], diagnostics: [ConfigurationDiagnostic] = []
  ) {
    self.code = code
    self.object = object
    self.operation = operation
    self.cause = cause
    self.hint = hint
    self.errno = Errno(nonzero: errno)
    self.results = results
    self.diagnostics = diagnostics
  }

  /// `object: operation: cause`, and the hint on a line of its own. The cause has the error number
  /// already where the daemon gave one.
  public var description: String { "\(object): \(operation): \(cause)\(Self.advice(hint))" }
}

extension InterruptSyncClientError: ExplainedError {
  package var codeName: String { code.rawValue }
}

/// An error in a configuration file of the daemon.
public struct ConfigurationDiagnostic: Equatable, Sendable, CustomStringConvertible {
  /// The path.
  public let file: String
  /// From 1.
  public let line: Int
  /// From 1.
  public let column: Int
  /// The error.
  public let message: String
  /// What to write instead; empty when there is no advice.
  public let hint: String

  init?(_ value: JSON) {
    guard let object = value.object, let file = object["file"]?.string,
      let message = object["message"]?.string
    else { return nil }
    self.file = file
    self.message = message
    line = Int(clamping: object["line"]?.int64 ?? 0)
    column = Int(clamping: object["column"]?.int64 ?? 0)
    hint = object["hint"]?.string ?? ""
  }

  /// `file:line:column: message`, and the hint on a line of its own.
  public var description: String {
    "\(file):\(line):\(column): \(message)" + (hint.isEmpty ? "" : "\n  hint: \(hint)")
  }
}
