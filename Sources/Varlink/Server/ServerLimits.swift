// Floor 5. What clients may cost a server, how far it trusts each, and what it tells its owner
// about them. The daemon makes them from its settings (DaemonSettings, AccessPolicy), VarlinkServer
// and its connections read them, and the journal prints what the server tells. Values, for any
// thread; no lock.

/// What clients may cost a server.
package struct ServerLimits: Sendable {
  /// Connections of all peers that are not preferred, and as many of those that are.
  package var connections: Int
  package var connectionsPerUser: Int
  /// Descriptors of one user that may wait to be closed before the user gets no more connections.
  package var closesPerUser: Int
  package var message: WireLimits
  /// The same for peers that may not send large messages.
  package var smallMessage: WireLimits
  /// Bytes that may wait for one client to read them before a stream's replies are refused.
  package var waitingBytes: Int
  /// How long a message may take from its first byte to its last, and how long a client may leave
  /// an answer unread. Streams wait without end for their reader, and idle clients for themselves.
  package var patience: Duration
  /// Calls of one client that are answered before others have their turn.
  package var callsPerTurn: Int

  package init(
    connections: Int = 1024, connectionsPerUser: Int = 64, closesPerUser: Int = 512,
    message: WireLimits = WireLimits(), waitingBytes: Int = 256 << 10,
    patience: Duration = .seconds(45), callsPerTurn: Int = 32
  ) {
    self.connections = connections
    self.connectionsPerUser = connectionsPerUser
    self.closesPerUser = closesPerUser
    self.message = message
    smallMessage = WireLimits(
      messageBytes: min(message.messageBytes, 64 << 10), descriptors: message.descriptors,
      values: min(message.values, 1024))
    self.waitingBytes = waitingBytes
    self.patience = patience
    self.callsPerTurn = callsPerTurn
  }
}

/// How far a server trusts a peer.
package struct PeerStanding: Equatable, Sendable {
  /// Finds a place, a descriptor and a closing thread when others have taken all of theirs.
  package var isPreferred: Bool
  /// May send descriptors with calls, as far as a method takes any.
  package var passesDescriptors: Bool
  /// The limits of `ServerLimits.message` apply, and not those of `smallMessage`.
  package var sendsLargeMessages: Bool

  package init(
    isPreferred: Bool = false, passesDescriptors: Bool = true, sendsLargeMessages: Bool = true
  ) {
    self.isPreferred = isPreferred
    self.passesDescriptors = passesDescriptors
    self.sendsLargeMessages = sendsLargeMessages
  }
}

/// What a server tells its owner, for the log.
package enum ServerNotice: Equatable, Sendable, CustomStringConvertible {
  /// Nothing was said to the client: the connection was closed at once.
  case refusedConnection(user: UInt32?, cause: String)
  /// The server closed a connection for what its client did or left undone, or for others' sake.
  case closedConnection(PeerCredentials, cause: String)
  /// A call that the peer may not make.
  case deniedCall(PeerCredentials, method: String)

  package var description: String {
    switch self {
    case .refusedConnection(let user, let cause):
      "connection of \(user.map { "user \($0)" } ?? "an unknown user") refused: \(cause)"
    case .closedConnection(let peer, let cause):
      "connection of user \(peer.user), process \(peer.process) closed: \(cause)"
    case .deniedCall(let peer, let method):
      "user \(peer.user), process \(peer.process) may not call \(method)"
    }
  }
}
