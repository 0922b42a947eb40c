// The kernel's error numbers with the names that errno(3) gives them. Floor 1; a value that
// SystemError and the errors of every floor above hold, on any thread without a lock. Not in a
// dispatch: a name allocates.
import CLinuxSystem

/// An error number of the kernel, such as `ENOENT`.
public struct Errno: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
  /// The number, without a sign.
  public let rawValue: Int32

  /// The error of a number as errno(3) has it.
  public init(rawValue: Int32) { self.rawValue = rawValue }

  /// `ENOENT`; `errno 4711` for a number that the C library does not know.
  public var name: String {
    guard rawValue > 0, let name = unsafe linux_error_name(rawValue) else {
      return "errno \(rawValue)"
    }
    return unsafe String(cString: name)
  }

  /// The name.
  public var description: String { name }

  package static func name(_ number: Int32) -> String { Errno(rawValue: number).name }
}
