// Room Lines: the error that this room and every room above throw, and the checked mode. A value
// for any thread; drivers, the C and Windows layers and the daemon read it. It is made outside of
// the interrupt lock, except for a caller that the lock refuses. No lock; checked mode is one
// atomic flag.
import Glibc
import Synchronization
public import UIO

/// A failure of an operation on a sync object, a line or a deferred routine. Names the object, the
/// operation and the cause, and says what to do.
public struct InterruptSyncError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The cause, for programs.
  public enum Code: String, Sendable, CaseIterable {
    /// The calling thread already holds the interrupt lock (N4).
    case wouldDeadlock
    /// The calling thread's level is too high for the call (4.6, N23).
    case wrongLevel
    /// Connect on a connected object (N9).
    case alreadyConnected
    /// No service routine is registered (N9).
    case noServiceRoutines
    /// Another object is connected to the line.
    case lineBusy
    /// A routine has held the interrupt lock for longer than the caller wanted to wait.
    case busy
    /// The line has ended: device unbound, removed, or writer closed.
    case removed
    /// The line or its re-arm failed; `device` says how.
    case lineFailed
    /// Threads, descriptors or memory are used up.
    case resourcesExhausted
    /// A thread ended inside a routine, and nothing has been repaired since.
    case lockOwnerDied
    /// The object belongs to the process that this one was forked from.
    case otherProcess
    /// An argument is not acceptable.
    case invalidArgument
  }

  /// The cause, for programs to switch on.
  public let code: Code
  /// The sync object's or line's name.
  public let object: String
  /// The operation, as a verb and its object: `connect`, `register a service routine`.
  public let operation: String
  /// The cause in words.
  public let cause: String
  /// What to do about it; empty when there is nothing to do.
  public let hint: String
  /// The kernel's answer, if it gave one.
  public let errno: Errno?
  /// The device's own account of it, where there is one.
  public let device: UIOError?

  package init(
    _ code: Code, object: String, operation: String, cause: String, hint: String = "",
    errno: Int32 = 0,
    device: UIOError? = nil
  ) {
    self.code = code
    self.object = object
    self.operation = operation
    self.cause = cause
    self.hint = hint
    self.errno = Errno(nonzero: errno)
    self.device = device
  }

  /// Wraps what the device said.
  package init(object: String, operation: String, _ device: UIOError) {
    let code: Code =
      switch device.code {
      case .removed, .notFound: .removed
      case .otherProcess: .otherProcess
      case .resourcesExhausted: .resourcesExhausted
      default: .lineFailed
      }
    self.init(
      code, object: object, operation: operation, cause: device.cause, hint: device.hint,
      errno: device.errorNumber,
      device: device)
  }

  /// `object: operation: cause (ERRNO)`, and the hint on a line of its own.
  public var description: String { explanation }
}

extension InterruptSyncError: ExplainedError {
  package var codeName: String { code.rawValue }
}

/// Reports a broken rule of levels and locks (N23). Always an error to the caller; in checked mode,
/// meant for development and tests, the process stops with the rule's sentence instead.
public enum Verifier {
  private static let checked = Atomic<Bool>(false)

  /// Off unless set.
  public static var isChecked: Bool {
    get { checked.load(ordering: .relaxed) }
    set { checked.store(newValue, ordering: .relaxed) }
  }

  static func violation(_ error: InterruptSyncError) -> InterruptSyncError {
    // Not a precondition, which stops an optimized program without a word.
    if isChecked { fatalError(error.description) }
    return error
  }
}
