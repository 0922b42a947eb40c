import LinuxSystem

/// Why nothing more can be read from a connection.
package enum WireFailure: Error, Equatable, Sendable, CustomStringConvertible {
  case tooLong(limit: Int)
  case tooManyDescriptors(limit: Int)
  /// The process had no room for all descriptors of a message, and the kernel dropped some.
  case descriptorsLost
  /// The connection ended inside a message.
  case cutShort
  /// The kernel's answer.
  case system(Int32)

  package var description: String {
    switch self {
    case .tooLong(let limit): "a message of more than \(limit) bytes"
    case .tooManyDescriptors(let limit): "a message with more than \(limit) descriptors"
    case .descriptorsLost: "no room for a message's descriptors (systemd: LimitNOFILE=)"
    case .cutShort: "the connection ended inside a message"
    case .system(let number): "the connection failed (\(Errno.name(number)))"
    }
  }
}
