import CFloor
import InterruptSync

/// The server of a line behind UIO in one turn.
enum RealServer {
  case loop(waiter_kind, String)
  case core(WaitStrategy, String)

  static let ourName = "InterruptSync"
  /// The loop in C that the others are compared with comes first.
  static let all: [RealServer] = [
    .loop(WAITER_READ, "blocking read"), .loop(WAITER_EPOLL, "epoll"), .core(.block, "block"),
    .core(.adaptive(), "adaptive"),
  ]

  var name: String {
    switch self {
    case .loop(_, let way): "C, \(way)"
    case .core(_, let way): "\(Self.ourName), \(way)"
    }
  }
}
