// The server's half of the protocol, on the control thread's loop. Handlers run there too, one at a
// time, and must not wait.
package import LinuxSystem

/// Serves interfaces over local sockets. On the loop's thread only.
package final class VarlinkServer {
  /// Whether a method answers with a stream.
  package enum Streaming: Sendable {
    /// It answers once, asked for more or not.
    case never
    /// It answers with a stream when it is asked for more.
    case allowed
    /// Without `more` the answer is ExpectedMore.
    case required
  }

  /// Answers a call, now or later. What it throws is the answer.
  package typealias Handler = (VarlinkCall) throws(ErrorReply) -> Void

  package let loop: EventLoop
  package let identity: ServiceIdentity
  /// What clients may take of the processor; other servers on the loop may share it.
  package let quota: CPUQuota
  /// What clients may cost from now on; connections there are stay, whatever their number.
  package var limits: ServerLimits {
    didSet { for connection in connections.values { connection.limits = limits } }
  }

  /// Asked before a call's parameters are looked at; false answers PermissionDenied. Nil: everybody
  /// who can connect may call everything. `org.varlink.service` is open to all.
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
  func route(_ method: String) throws(ErrorReply) -> MethodRoute {
    if let route = routes[method] { return route }
    guard let (interface, name) = split(method) else { throw .methodNotFound(method) }
    guard let interface = self.interface(interface) else { throw .interfaceNotFound(interface) }
    throw interface.method(name) == nil ? .methodNotFound(method) : .methodNotImplemented(method)
  }
}
