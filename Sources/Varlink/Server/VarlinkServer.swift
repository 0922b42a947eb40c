// Floor 5. The server's half of the protocol: interfaces and their handlers, listeners, and the
// connections that they bring. On the control thread's loop; handlers run there too, one at a time,
// and must not wait.
import CLinuxSystem
package import LinuxSystem

/// Serves interfaces over local sockets. On the loop's thread only.
package final class VarlinkServer {
  package typealias Streaming = MethodRoute.Streaming
  package typealias Handler = MethodRoute.Handler

  package let loop: EventLoop
  package let identity: ServiceIdentity
  /// The processor time that clients may take; other servers on the loop may share it.
  package let quota: CPUQuota
  /// What clients may cost from now on; existing connections stay, however many they are.
  package var limits: ServerLimits {
    didSet { for connection in connections.values { connection.limits = limits } }
  }

  /// Asked before a call's parameters are looked at; false answers PermissionDenied. Nil: every
  /// client that connects may call everything. `org.varlink.service` is open to all.
  package var authorize: ((PeerCredentials, String) -> Bool)?
  /// Told what happened, for the log.
  package var observe: ((ServerNotice) -> Void)?
  /// When set, every reply and error is held against the interface, and what is wrong is reported
  /// here; it is sent all the same. For tests and debugging.
  package var replyCheck: ((String) -> Void)?

  private var interfaces: [InterfaceDescription] = []
  private var routes: [String: MethodRoute] = [:]
  var listeners: [Listener] = []
  var connections: [UInt64: ServerConnection] = [:]
  var connectionsOfUser: [UInt32: Int] = [:]
  var lastConnection: UInt64 = 0
  var sweep: LoopTimer?

  package init(
    loop: EventLoop, identity: ServiceIdentity, limits: ServerLimits = ServerLimits(),
    quota: CPUQuota? = nil
  ) throws(VarlinkError) {
    self.loop = loop
    self.quota = quota ?? CPUQuota(on: loop)
    self.identity = identity
    self.limits = limits
    add(try InterfaceDescription(ServiceInterface.text))
    handle("\(ServiceInterface.name).GetInfo") { [unowned self] call in call.reply(info) }
    handle("\(ServiceInterface.name).GetInterfaceDescription") {
      [unowned self] call throws(ErrorReply) in
      let name = call.parameters["interface"]?.string ?? ""
      guard let interface = interfaces.first(where: { $0.name == name }) else {
        throw .interfaceNotFound(name)
      }
      call.reply(["description": .string(interface.text)])
    }
  }

  deinit { stop() }

  private var info: JSONObject {
    [
      "vendor": .string(identity.vendor), "product": .string(identity.product),
      "version": .string(identity.version), "url": .string(identity.url),
      "interfaces": .array(interfaces.map { .string($0.name) }),
    ]
  }

  /// Adds an interface, once. Its methods answer MethodNotImplemented until they have a handler.
  package func add(_ interface: InterfaceDescription) {
    precondition(
      !interfaces.contains { $0.name == interface.name }, "\(interface.name) is served already")
    interfaces.append(interface)
  }

  /// Gives a method its handler.
  /// - Parameters:
  ///   - method: with its interface's name, which must have been added.
  ///   - descriptors: the parameters (of type `int` or `?int`) that are numbers of descriptors sent
  ///     with the call. All that are sent must be named, once each; a method without such
  ///     parameters never sees a descriptor.
  package func handle(
    _ method: String, streaming: Streaming = .never, descriptors: [String] = [],
    _ handler: @escaping Handler
  ) {
    guard let (interface, name) = split(method), let interface = self.interface(interface),
      let (input, output) = interface.method(name)
    else { preconditionFailure("\(method) is in no interface that was added") }
    for name in descriptors {
      precondition(
        input.contains { $0.name == name && [.int, .nullable(.int)].contains($0.type) },
        "\(method) has no parameter \(name) of type int")
    }
    routes[method] = MethodRoute(
      interface: interface, input: input, output: output, streaming: streaming,
      descriptors: descriptors, body: handler)
  }

  private func interface(_ name: String) -> InterfaceDescription? {
    interfaces.first { $0.name == name }
  }

  private func split(_ method: String) -> (interface: String, name: String)? {
    guard let dot = method.lastIndex(of: ".") else { return nil }
    return (String(method[..<dot]), String(method[method.index(after: dot)...]))
  }

  /// The route of a method, or why there is none.
  private func route(_ method: String) throws(ErrorReply) -> MethodRoute {
    if let route = routes[method] { return route }
    guard let (interface, name) = split(method) else { throw .methodNotFound(method) }
    guard let interface = self.interface(interface) else { throw .interfaceNotFound(interface) }
    throw interface.method(name) == nil ? .methodNotFound(method) : .methodNotImplemented(method)
  }
}

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
  /// - Throws: `addressInUse` when another process listens there, `permissionDenied`, `notFound` when the
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

  /// Accepts no more connections, closes the open ones, and notifies the handlers of open calls.
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
      observe?(.refusedConnection(user: nil, cause: "the kernel does not report its user"))
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
        ? "the user already has \(ofUser) connections"
        : "there are already \(connections.count) connections"
      observe?(.refusedConnection(user: peer.user, cause: cause))
      return false
    }
    guard linux_set_nonblocking(socket.raw) == 0 else { return false }
    lastConnection += 1
    let connection = ServerConnection(
      lastConnection, socket: socket, peer: peer, owner: self, loop: loop, quota: quota,
      limits: limits)
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

  private func remove(_ connection: ServerConnection) {
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

extension VarlinkServer: ConnectionOwner {
  func route(_ method: String, of peer: PeerCredentials) throws(ErrorReply) -> MethodRoute {
    let route = try route(method)
    if route.interface.name != ServiceInterface.name, authorize?(peer, method) == false {
      observe?(.deniedCall(peer, method: method))
      throw .permissionDenied
    }
    return route
  }

  func closing(_ connection: ServerConnection, because cause: String) {
    observe?(.closedConnection(connection.peer, cause: cause))
  }

  func closed(_ connection: ServerConnection) { remove(connection) }
}

// MARK: Limits and notices

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
      "connection of \(user.map { "user \($0)" } ?? "an unknown user") refused: \(cause)"
    case .closedConnection(let peer, let cause):
      "connection of user \(peer.user), process \(peer.process) closed: \(cause)"
    case .deniedCall(let peer, let method):
      "user \(peer.user), process \(peer.process) may not call \(method)"
    }
  }
}
