import Varlink

extension LogRecord {
  /// What the server of the clients has to say.
  init(_ notice: ServerNotice) {
    self.init(.notice, notice.description)
    switch notice {
    case .refusedConnection(let user, _): clientUID = user
    case .closedConnection(let peer, _): clientUID = peer.user
    case .deniedCall(let peer, let called):
      (event, clientUID, method) = (.callDenied, peer.user, called)
    }
  }
}
