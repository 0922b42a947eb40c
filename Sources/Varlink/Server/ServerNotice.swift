/// What a server tells its owner, for the log.
package enum ServerNotice: Equatable, Sendable, CustomStringConvertible {
  /// Nothing was said to the client: the connection was closed at once.
  case refusedConnection(user: UInt32?, cause: String)
  /// The server closed a connection for what its client did or left undone.
  case closedConnection(PeerCredentials, cause: String)
  /// A call that the peer may not make.
  case deniedCall(PeerCredentials, method: String)

  package var description: String {
    switch self {
    case .refusedConnection(let user, let cause):
      "connection of \(user.map { "user \($0)" } ?? "somebody") refused: \(cause)"
    case .closedConnection(let peer, let cause):
      "connection of user \(peer.user), process \(peer.process) closed: \(cause)"
    case .deniedCall(let peer, let method):
      "user \(peer.user), process \(peer.process) may not call \(method)"
    }
  }
}
