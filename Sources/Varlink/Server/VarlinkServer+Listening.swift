import CLinuxSystem
package import LinuxSystem

extension VarlinkServer {
  /// Takes connections on a socket that listens already, such as systemd's.
  /// - Throws: `notAListener`, `resourcesExhausted`.
  package func listen(on socket: FileDescriptor) throws(VarlinkError) {
    listeners.append(
      try Listener(
        on: socket, loop: loop, take: { [unowned self] in adopt($0) },
        refuse: { [unowned self] in refused($0) }))
  }

  /// Makes a socket and takes connections on it. A node that is left over from a service that ended
  /// is replaced; the node is removed at the end.
  /// - Parameters:
  ///   - mode: of the node; to connect is to write.
  ///   - group: of the node; nil leaves the process'.
  /// - Throws: `addressInUse` when somebody listens there, `permissionDenied`, `notFound` when the
  ///   folder is missing, `malformedAddress`, `resourcesExhausted`.
  package func listen(
    at address: SocketAddress, mode: UInt32 = 0o660, group: UInt32? = nil
  ) throws(VarlinkError) {
    listeners.append(
      try Listener(
        at: address, mode: mode, group: group, loop: loop, take: { [unowned self] in adopt($0) },
        refuse: { [unowned self] in refused($0) }))
  }

  private func refused(_ cause: String) {
    observe?(.refusedConnection(user: nil, cause: cause))
  }

  /// Takes no more connections and closes those there are; handlers of open calls are told.
  package func stop() {
    for listener in listeners { listener.close() }
    listeners = []
    for connection in Array(connections.values) { connection.close() }
    endSweep()
  }
}

// MARK: Connections

extension VarlinkServer {
  /// Serves a connected socket.
  /// - Returns: false when it was turned away and its user has had its share of the processor.
  @discardableResult
  package func adopt(_ socket: FileDescriptor) -> Bool {
    guard let peer = PeerCredentials(of: socket) else {
      observe?(.refusedConnection(user: nil, cause: "the kernel does not say whose it is"))
      return true
    }
    return quota.admit(peer) { adopt(socket, of: peer) }
  }

  /// Whether it was taken.
  private func adopt(_ socket: FileDescriptor, of peer: PeerCredentials) -> Bool {
    let ofUser = connectionsOfUser[peer.user, default: 0]
    guard connections.count < limits.connections, ofUser < limits.connectionsPerUser else {
      let cause =
        connections.count < limits.connections
        ? "the user has \(ofUser) already" : "there are \(connections.count) already"
      observe?(.refusedConnection(user: peer.user, cause: cause))
      return false
    }
    guard cvarlink_set_nonblocking(socket.raw) == 0 else { return false }
    lastConnection += 1
    let connection = ServerConnection(lastConnection, socket: socket, peer: peer, server: self)
    do {
      try connection.start()
    } catch {
      observe?(.refusedConnection(user: peer.user, cause: error.cause))
      return false
    }
    connections[connection.id] = connection
    connectionsOfUser[peer.user] = ofUser + 1
    if sweep == nil { startSweep() }
    return true
  }

  func remove(_ connection: ServerConnection) {
    guard connections.removeValue(forKey: connection.id) != nil else { return }
    let left = connectionsOfUser[connection.peer.user, default: 1] - 1
    connectionsOfUser[connection.peer.user] = left == 0 ? nil : left
    if connections.isEmpty { endSweep() }
  }

  private func endSweep() {
    if let sweep { loop.cancel(sweep) }
    sweep = nil
  }

  private func startSweep() {
    sweep = loop.after(limits.patience / 4, repeats: true) { [unowned self] in
      let now = EventLoop.now
      for connection in Array(connections.values) { connection.closeIfStalled(now) }
    }
  }
}
