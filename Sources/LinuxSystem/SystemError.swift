// A system call that failed: the operation and the kernel's error number. Floor 1; code that calls
// the kernel throws it, and the floors above give it a meaning in their own words (`UIOError`,
// `VarlinkError`). Tests say here which call fails. A value, for any thread, without a lock; not in
// a dispatch.

/// A failed system call: the operation, where its caller said it, and the error number.
package struct SystemError: Error, Equatable, Sendable, CustomStringConvertible {
  package let number: Int32
  /// The operation that failed; empty where the caller names it itself.
  package let operation: String

  package init(_ number: Int32, _ operation: String = "") {
    self.number = number
    self.operation = operation
  }

  /// The number with its name.
  package var errno: Errno { Errno(rawValue: number) }

  /// `operation: ENAME`.
  package var description: String {
    operation.isEmpty ? errno.name : "\(operation): \(errno.name)"
  }

  /// The calls that tests can make fail.
  package enum Call: Sendable { case open, read, readlink, opendir, stat, map, irqControl }

  /// Which calls fail, on this thread and for the duration of a test.
  @TaskLocal package static var injected: (@Sendable (Call, String) -> Int32?)?

  package static func inject(_ call: Call, _ path: String) throws(SystemError) {
    if let number = injected?(call, path) { throw SystemError(number) }
  }
}
