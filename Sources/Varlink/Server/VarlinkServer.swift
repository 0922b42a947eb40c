// Floor 5. The server's half of the protocol: interfaces and their handlers, listeners, and the
// connections that they bring. ClientService makes the daemon's and adds its methods; the loop
// calls it. On the control thread, where handlers run too, one at a time, without a lock, and must
// not wait.
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
    didSet { for connection in places.all.values { connection.limits = limits } }
  }
  /// How far a peer is trusted, asked when it connects. A peer of which this says nothing else is
  /// one among many, and may send descriptors to a method that takes them.
  package var standing: (PeerCredentials) -> PeerStanding = { _ in PeerStanding() }

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
  var places = ConnectionPlaces()
  let closer: DescriptorCloser
  var lastConnection: UInt64 = 0
  var sweep: LoopTimer?

  package init(
    loop: EventLoop, identity: ServiceIdentity, limits: ServerLimits = ServerLimits(),
    quota: CPUQuota? = nil, closer: DescriptorCloser? = nil
  ) throws(VarlinkError) {
    self.loop = loop
    self.quota = quota ?? CPUQuota(on: loop)
    self.identity = identity
    self.limits = limits
    if let closer {
      self.closer = closer
    } else {
      do throws(SystemError) {
        self.closer = try DescriptorCloser()
      } catch { throw VarlinkError(error) }
    }
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
        on: socket, loop: loop, closer: closer, take: { [unowned self] in adopt($0) },
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
        at: address, mode: mode, group: group, loop: loop, closer: closer,
        take: { [unowned self] in adopt($0) }, refuse: { [unowned self] in refused($0) }))
  }

  /// Whether `count` more descriptors leave alone those that are kept for preferred peers.
  package func hasDescriptors(_ count: Int32) -> Bool {
    listeners.first.map { DescriptorReserve.isFree(count, probing: $0.socket) } ?? true
  }

  private func refused(_ cause: String) {
    observe?(.refusedConnection(user: nil, cause: cause))
  }

  /// Accepts no more connections, closes the open ones, and notifies the handlers of open calls.
  package func stop() {
    for listener in listeners { listener.close() }
    listeners = []
    for connection in Array(places.all.values) { connection.close() }
    endSweep()
  }
}

// MARK: Connections

extension VarlinkServer {
  /// Serves a connected socket, which it closes.
  /// - Returns: false when it was turned away and others of its kind can wait: its user has had its
  ///   share of the processor, or too much waits to be closed.
  @discardableResult
  package func adopt(_ raw: Int32) -> Bool {
    guard let peer = PeerCredentials(of: raw) else {
      closer.close(raw, for: .user(.max))
      observe?(.refusedConnection(user: nil, cause: "the kernel does not report its user"))
      return !isClosing(.user(.max))
    }
    let standing = standing(peer)
    let owner: DescriptorCloser.Owner = standing.isPreferred ? .trusted : .user(peer.user)
    let socket = closer.adopt(raw, for: owner)
    let mayContinue = quota.admit(peer) { admit(socket, of: peer, standing, owner) }
    return mayContinue && !isClosing(owner)
  }

  /// Whether so much of an owner waits to be closed that it gets nothing more to close.
  private func isClosing(_ owner: DescriptorCloser.Owner) -> Bool {
    owner != .trusted && closer.pending(owner) >= limits.closesPerUser
  }

  /// Whether it was taken.
  private func admit(
    _ socket: FileDescriptor, of peer: PeerCredentials, _ standing: PeerStanding,
    _ owner: DescriptorCloser.Owner
  ) -> Bool {
    if let cause = refusal(socket, of: peer, standing, owner) {
      observe?(.refusedConnection(user: peer.user, cause: cause))
      linux_shutdown(socket.raw)
      return false
    }
    return true
  }

  /// Gives a connection its place. Nil, or why it gets none.
  private func refusal(
    _ socket: FileDescriptor, of peer: PeerCredentials, _ standing: PeerStanding,
    _ owner: DescriptorCloser.Owner
  ) -> String? {
    if isClosing(owner) {
      return "descriptors that the user sent wait to be closed: \(closer.pending(owner))"
    }
    let hasDescriptors = socket.raw < DescriptorReserve.floor
    switch places.decide(peer.user, standing, limits, hasDescriptors: hasDescriptors) {
    case .admitted: break
    case .insteadOf(let other, let cause): other.close(because: cause)
    case .refused(let cause): return cause
    }
    let result = linux_set_nonblocking(socket.raw)
    guard result == 0 else { return Errno.name(-result) }
    lastConnection += 1
    let mayPass = standing.passesDescriptors && routes.values.contains { !$0.descriptors.isEmpty }
    _ = linux_accept_descriptors(socket.raw, mayPass)
    let closer = closer
    let connection = ServerConnection(
      lastConnection, socket: socket, peer: peer, standing: standing,
      adopt: mayPass ? { closer.adopt($0, for: owner) } : nil, owner: self, loop: loop,
      quota: quota, limits: limits)
    do { try connection.start() } catch { return error.cause }
    places.add(connection)
    if sweep == nil { startSweep() }
    return nil
  }

  private func endSweep() {
    if let sweep { loop.cancel(sweep) }
    sweep = nil
  }

  private func startSweep() {
    sweep = loop.after(limits.patience / 4, repeats: true) { [unowned self] in
      let now = EventLoop.now
      for connection in Array(places.all.values) { connection.closeIfStalled(now) }
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

  func closed(_ connection: ServerConnection) {
    if places.remove(connection), places.isEmpty { endSweep() }
  }
}
