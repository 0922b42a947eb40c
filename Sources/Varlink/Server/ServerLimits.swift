/// What clients may cost a server.
package struct ServerLimits: Sendable {
  /// A connection beyond these is closed at once.
  package var connections: Int
  package var connectionsPerUser: Int
  package var message: WireLimits
  /// Bytes that may wait for one client to read them before a stream's replies are refused.
  package var waitingBytes: Int
  /// How long a message may take from its first byte to its last, and how long a client may leave
  /// an answer unread. Streams wait without end for their reader, and idle clients for themselves.
  package var patience: Duration
  /// Calls of one client that are answered before others have their turn.
  package var callsPerTurn: Int

  package init(
    connections: Int = 1024, connectionsPerUser: Int = 64, message: WireLimits = WireLimits(),
    waitingBytes: Int = 256 << 10, patience: Duration = .seconds(45), callsPerTurn: Int = 32
  ) {
    self.connections = connections
    self.connectionsPerUser = connectionsPerUser
    self.message = message
    self.waitingBytes = waitingBytes
    self.patience = patience
    self.callsPerTurn = callsPerTurn
  }
}
