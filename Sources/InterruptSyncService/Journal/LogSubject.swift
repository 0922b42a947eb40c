/// Whom or what messages are about, as far as their number goes.
package enum LogSubject: Hashable, Sendable, CustomStringConvertible {
  /// By its stable id or name.
  case device(String)
  /// The clients of a user.
  case user(UInt32)

  var device: String? { if case .device(let device) = self { device } else { nil } }
  var user: UInt32? { if case .user(let user) = self { user } else { nil } }

  package var description: String {
    switch self {
    case .device(let device): device
    case .user(let user): "user \(user)"
    }
  }
}
