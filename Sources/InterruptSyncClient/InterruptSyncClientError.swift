// One error type for whatever keeps the daemon from doing what was asked.

/// A failure of a call to the daemon. It names the object, the operation and the cause, and says
/// what to do.
public struct InterruptSyncClientError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The cause, for programs.
  public enum Code: String, Sendable, CaseIterable {
    /// Nobody listens at the daemon's address.
    case notRunning
    /// The process may not connect, or may connect and not do this.
    case permissionDenied
    /// No device has this name, or the caller may not look at it.
    case noSuchDevice
    /// The device exists, and is not in the state that this needs.
    case wrongState
    /// Another client has attached the device.
    case busy
    /// The device's file does not allow it, or it has no file.
    case notAllowed
    /// A register that is malformed, out of bounds, misaligned or of a region that is not there.
    case badRegister
    /// More operations or microseconds than the daemon allows in one transaction, or more memory for
    /// a user's rings.
    case tooLarge
    /// A wait of a transaction found nothing in its time; `results` has what was done.
    case waitExpired
    /// The device went away; `results` has what was done before.
    case deviceGone
    /// The attachment has ended: by its deadline, with its device, or by `detach`.
    case notAttached
    /// The configuration is at fault; `diagnostics` says where.
    case configurationRejected
    /// The user has as many registrations as one may have.
    case tooManyRegistrations
    /// The system refused what the daemon tried; `errno` has its answer.
    case systemFailure
    /// An argument that the daemon does not take.
    case invalidArgument
    /// The daemon is of a version that cannot do this.
    case unsupported
    /// The daemon ended the connection.
    case disconnected
    /// No answer within the time given.
    case timedOut
    /// The daemon sent what it must not.
    case protocolViolation
    /// Descriptors or memory are used up.
    case resourcesExhausted
    /// What no other code is for.
    case unexpected
  }

  /// The cause, for programs to switch on.
  public let code: Code
  /// The device as the caller named it, or the daemon's address.
  public let object: String
  /// What was being done.
  public let operation: String
  /// What went wrong, in words.
  public let cause: String
  /// What to do about it; empty when there is nothing to do.
  public let hint: String
  /// The kernel's answer, or 0.
  public let errno: Int32
  /// Of a transaction that came only so far: a result for each operation that was carried out.
  public let results: [UInt64]
  /// What is wrong with the configuration, of `configurationRejected`.
  public let diagnostics: [ConfigurationDiagnostic]

  package init(
    _ code: Code, object: String, operation: String, cause: String, hint: String = "",
    errno: Int32 = 0, results: [UInt64] = [], diagnostics: [ConfigurationDiagnostic] = []
  ) {
    self.code = code
    self.object = object
    self.operation = operation
    self.cause = cause
    self.hint = hint
    self.errno = errno
    self.results = results
    self.diagnostics = diagnostics
  }

  /// `object: operation: cause`, and the hint on a line of its own.
  public var description: String {
    let advice = hint.isEmpty ? "" : "\n  hint: \(hint)"
    return "\(object): \(operation): \(cause)\(advice)"
  }
}
