// The figures over HTTP, on local sockets only: the daemon has no other (systemd: IPAddressDeny=any).
import LinuxSystem
import UIO
import Varlink

/// Answers GET /metrics. On the loop's thread.
final class MetricsServer {
  /// What may be told to a peer; nil: nothing.
  typealias Text = (PeerCredentials) -> String?

  var text: Text
  private let loop: EventLoop
  private let quota: CPUQuota
  private let patience: Duration
  /// Connections at one time, and of one user.
  var limits: ClientLimits
  private var passed: [Listener] = []
  private var own: (path: String, listener: Listener)?
  private var connections: [UInt64: MetricsConnection] = [:]
  private var lastConnection: UInt64 = 0

  /// - Parameter patience: how long a client may take for its request and the answer.
  init(
    on loop: EventLoop, limits: ClientLimits, quota: CPUQuota? = nil,
    patience: Duration = .seconds(10), text: @escaping Text = { _ in nil }
  ) {
    self.loop = loop
    self.quota = quota ?? CPUQuota(on: loop)
    self.limits = limits
    self.patience = patience
    self.text = text
  }

  deinit { stop() }

  /// Answers on a socket that listens already.
  /// - Throws: `notAListener`, `resourcesExhausted`.
  func listen(on socket: FileDescriptor) throws(VarlinkError) {
    passed.append(
      try Listener(
        on: socket, loop: loop, take: { [unowned self] in adopt($0) }, refuse: { _ in }))
  }

  /// Answers at a path, in place of another; nil: at none. One that cannot be had changes nothing.
  /// - Throws: as `VarlinkServer.listen(at:)`.
  func listen(at path: String?) throws(VarlinkError) {
    guard path != own?.path else { return }
    guard let path else {
      own = nil
      return
    }
    let listener = try Listener(
      at: SocketAddress(path: path), mode: 0o664, group: AccessPolicy.number("uio"), loop: loop,
      take: { [unowned self] in adopt($0) }, refuse: { _ in })
    own = (path, listener)
  }

  /// Whether nobody is being answered.
  var isIdle: Bool { connections.isEmpty }

  func stop() {
    passed = []
    own = nil
    for connection in Array(connections.values) { connection.close() }
  }

  /// - Returns: false when it was turned away and its user has had its share of the processor.
  private func adopt(_ socket: FileDescriptor) -> Bool {
    guard let peer = PeerCredentials(of: socket) else { return true }
    return quota.admit(peer) { adopt(socket, of: peer) }
  }

  /// Whether it was taken.
  private func adopt(_ socket: FileDescriptor, of peer: PeerCredentials) -> Bool {
    lastConnection += 1
    let number = lastConnection
    let connection = MetricsConnection(
      socket, of: peer.user, on: loop,
      answer: { [unowned self] request in quota.charge(peer) { answer(request, peer) } },
      closed: { [weak self] in self?.connections[number] = nil })
    let ofUser = connections.values.count { $0.user == peer.user }
    if connections.count >= limits.connections || ofUser >= limits.connectionsPerUser {
      connection.turnAway(HTTPResponse(.unavailable))
      return false
    }
    connections[number] = connection
    let start = { [patience] in
      do throws(SystemError) { try connection.start(patience: patience) } catch {
        connection.turnAway(HTTPResponse(.unavailable))
      }
    }
    if quota.exempts(peer) { start() } else { quota.whenAllowed(peer.user, start) }
    return true
  }

  private func answer(_ request: HTTPRequest, _ peer: PeerCredentials) -> HTTPResponse {
    guard request.path == "/metrics" else { return HTTPResponse(.notFound) }
    guard request.method == "GET" || request.method == "HEAD" else {
      return HTTPResponse(.methodNotAllowed)
    }
    guard let text = text(peer) else { return HTTPResponse(.forbidden) }
    var response = HTTPResponse(.ok, type: OpenMetrics.contentType, text: text)
    response.isHead = request.method == "HEAD"
    return response
  }
}
