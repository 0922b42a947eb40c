import CVarlink
import Glibc
package import UIO

extension VarlinkServer {
  /// Takes connections on a socket that listens already, such as systemd's.
  /// - Throws: `notAListener`, `resourcesExhausted`.
  package func listen(on socket: FileDescriptor) throws(VarlinkError) {
    try listen(on: socket, path: nil)
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
    let socket: FileDescriptor
    do throws(SystemFailure) {
      socket = try Self.bind(address)
      do throws(SystemFailure) {
        if !address.isAbstract { try Self.open(address.name, mode: mode, group: group) }
        guard Glibc.listen(socket.raw, 128) == 0 else { throw SystemFailure(errno) }
      } catch {
        if !address.isAbstract { _ = unsafe unlink(address.name) }
        throw error
      }
    } catch {
      throw VarlinkError(error, object: address.description, operation: "listen")
    }
    try listen(on: socket, path: address.isAbstract ? nil : address.name)
  }

  /// Nobody connects before these are right: the node is made without any permission.
  private static func open(
    _ path: String, mode: UInt32, group: UInt32?
  ) throws(SystemFailure) {
    // Where the group is right chown may be what the process must not call (systemd:
    // SystemCallFilter=~@privileged).
    var status = stat()
    guard unsafe stat(path, &status) == 0 else { throw SystemFailure(errno) }
    if let group, status.st_gid != group, unsafe chown(path, uid_t.max, group) != 0 {
      throw SystemFailure(errno)
    }
    if unsafe chmod(path, mode) != 0 { throw SystemFailure(errno) }
  }

  private static func bind(_ address: SocketAddress) throws(SystemFailure) -> FileDescriptor {
    var hasRemoved = false
    while true {
      let socket = try SocketAddress.socket()
      let result = unsafe address.withName {
        unsafe cvarlink_bind(socket.raw, $0, $1, address.isAbstract, 0)
      }
      if result == 0 { return socket }
      guard result == -EADDRINUSE, !address.isAbstract, !hasRemoved, isLeftOver(address) else {
        throw SystemFailure(-result)
      }
      hasRemoved = true
      guard unsafe unlink(address.name) == 0 else { throw SystemFailure(errno) }
    }
  }

  /// Whether the address is a socket's node on which nobody listens.
  private static func isLeftOver(_ address: SocketAddress) -> Bool {
    do {
      _ = try address.connect(milliseconds: 100)
      return false
    } catch {
      // What is no socket answers the same: leave it alone.
      var status = stat()
      guard error.number == ECONNREFUSED, unsafe lstat(address.name, &status) == 0 else {
        return false
      }
      return status.st_mode & S_IFMT == S_IFSOCK
    }
  }

  private func listen(on socket: FileDescriptor, path: String?) throws(VarlinkError) {
    guard cvarlink_is_listener(socket.raw) == 1, cvarlink_set_nonblocking(socket.raw) == 0 else {
      throw VarlinkError(
        .notAListener, object: "descriptor \(socket.raw)", operation: "take connections",
        cause: "not a local stream socket that listens",
        hint: "ListenStream= with a path, and Accept=no")
    }
    let watch = try loop.watch(socket, for: .readable) { [unowned self] _ in accept(from: socket) }
    listeners.append(Listener(socket: socket, watch: watch, path: path))
  }

  /// Takes no more connections and closes those there are; handlers of open calls are told.
  package func stop() {
    for listener in listeners { listener.close(on: loop) }
    listeners = []
    for connection in Array(connections.values) { connection.close() }
    endSweep()
  }
}

// MARK: Connections

extension VarlinkServer {
  private func accept(from socket: FileDescriptor) {
    // A bound on what one turn of the loop does.
    for _ in 0..<64 {
      let raw = cvarlink_accept(socket.raw)
      switch -raw {
      case EAGAIN: return
      case EINTR, ECONNABORTED: continue
      case EMFILE, ENFILE: return turnAway(from: socket)
      case ..<1: adopt(FileDescriptor(adopting: raw))
      default: return pause(socket)
      }
    }
  }

  /// Without this the loop would turn for ever with a connection that it cannot take.
  private func turnAway(from socket: FileDescriptor) {
    reserve = nil
    let raw = cvarlink_accept(socket.raw)
    if raw >= 0 { close(raw) }
    reserve = try? FileDescriptor.open("/dev/null", O_RDONLY)
    if raw < 0 { return pause(socket) }
    observe?(
      .refusedConnection(user: nil, cause: "no descriptors left (systemd: LimitNOFILE=)"))
  }

  /// A connection that can be neither taken nor turned away would be reported again at once.
  private func pause(_ socket: FileDescriptor) {
    guard let listener = listeners.first(where: { $0.socket === socket }) else { return }
    loop.change(listener.watch, to: [])
    loop.after(.milliseconds(100)) { [loop] in loop.change(listener.watch, to: .readable) }
  }

  /// Serves a connected socket.
  package func adopt(_ socket: FileDescriptor) {
    guard let peer = PeerCredentials(of: socket) else {
      observe?(.refusedConnection(user: nil, cause: "the kernel does not say whose it is"))
      return
    }
    let ofUser = connectionsOfUser[peer.user, default: 0]
    guard connections.count < limits.connections, ofUser < limits.connectionsPerUser else {
      let cause =
        connections.count < limits.connections
        ? "the user has \(ofUser) already" : "there are \(connections.count) already"
      observe?(.refusedConnection(user: peer.user, cause: cause))
      return
    }
    guard cvarlink_set_nonblocking(socket.raw) == 0 else { return }
    lastConnection += 1
    let connection = ServerConnection(lastConnection, socket: socket, peer: peer, server: self)
    do {
      try connection.start()
    } catch {
      observe?(.refusedConnection(user: peer.user, cause: error.cause))
      return
    }
    connections[connection.id] = connection
    connectionsOfUser[peer.user] = ofUser + 1
    if sweep == nil { startSweep() }
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
