// The one shape of the errors that people read: object, operation, cause, what to do, and the
// kernel's answer. Floor 1; DeviceError, InterruptSyncError, VarlinkError and those of the daemon's
// clients conform, the journal and interruptsyncctl print it. Values, for any thread, without a
// lock; not in a dispatch.

/// An error that names its object, the operation and the cause, and says what to do.
package protocol ExplainedError: Error {
  /// What the operation was about, as the caller named it.
  var object: String { get }
  /// The operation that failed, as a verb and its object.
  var operation: String { get }
  /// The cause, in words.
  var cause: String { get }
  /// What to do about it; empty when there is nothing to do.
  var hint: String { get }
  /// The kernel's answer; nil when no system call failed.
  var errno: Errno? { get }
  /// The cause, for programs.
  var codeName: String { get }
}

extension ExplainedError {
  /// `errno` as an integer; 0 where the kernel gave none.
  package var errorNumber: Int32 { errno?.rawValue ?? 0 }

  /// `object: operation: cause (ERRNO)`.
  package var summary: String {
    "\(object): \(operation): \(cause)" + (errno.map { " (\($0))" } ?? "")
  }

  /// The summary, and the hint on a line of its own.
  package var explanation: String { summary + Self.advice(hint) }

  /// A hint as it follows a message.
  package static func advice(_ hint: String) -> String {
    hint.isEmpty ? "" : "\n  hint: \(hint)"
  }
}

extension Errno {
  /// The number, or nil for 0, which means that no system call failed.
  package init?(nonzero number: Int32) {
    guard number != 0 else { return nil }
    self.init(rawValue: number)
  }
}
