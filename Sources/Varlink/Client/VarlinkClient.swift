// Floor 5. The client's half of the protocol, for programs that may wait. InterruptSyncClient's
// DaemonConnection and interruptsyncctl's `call` use it, on the thread of the program or of
// interruptsyncctl, which sleeps until the answer comes. No lock: only one thread at a time may use
// a client. The daemon never does.
import CLinuxSystem
import Glibc
package import LinuxSystem

/// A connection to a service. Its calls wait. One thread at a time.
package final class VarlinkClient {
  /// The address, for errors.
  package let name: String
  /// For polling, and for who is at the other end; not to be read or written.
  package let socket: FileDescriptor
  private let timeout: Duration?
  /// The program at the other end of the socket, which ends with the connection.
  private let process: ConnectedProcess?
  private var reader: MessageReader
  private var writer = MessageWriter()
  /// Answers that came while a call was being sent.
  private var received: [Message] = []
  /// Replies have come, so the service has taken the connection.
  private var hasBeenTaken = false
  /// Calls whose first reply has not been given out.
  private var unanswered = 0
  /// A reply is still to come, and no call waits for it.
  private var isSpent = false
  /// The stream whose last reply has not come.
  var openStream: String?

  /// Connects.
  /// - Parameters:
  ///   - address: a path, `unix:PATH` or `unix:@NAME`.
  ///   - timeout: for connecting, for each call to be sent, and for each reply; nil waits without
  ///     end.
  /// - Throws: `malformedAddress`, `notFound`, `notListening`, `permissionDenied`, `timedOut`,
  ///   `resourcesExhausted`.
  package convenience init(
    _ address: String, timeout: Duration? = nil, limits: WireLimits = VarlinkClient.defaultLimits
  ) throws(VarlinkError) {
    let place = try SocketAddress(address)
    let milliseconds = timeout.map { max($0.nanoseconds / 1_000_000, 1) } ?? 0
    let socket: FileDescriptor
    do throws(SystemError) {
      socket = try place.connect(milliseconds: milliseconds)
    } catch {
      throw VarlinkError(error, object: address, operation: "connect")
    }
    self.init(socket, name: address, timeout: timeout, limits: limits)
  }

  /// Takes over a connected socket that does not block.
  init(
    _ socket: FileDescriptor, name: String, timeout: Duration?, limits: WireLimits,
    process: ConnectedProcess? = nil
  ) {
    self.socket = socket
    self.process = process
    self.name = name
    self.timeout = timeout
    reader = MessageReader(limits: limits)
  }

  /// Takes over a connected socket.
  /// - Throws: `unexpected` when the descriptor is none.
  package convenience init(
    adopting socket: FileDescriptor, timeout: Duration? = nil,
    limits: WireLimits = VarlinkClient.defaultLimits
  ) throws(VarlinkError) {
    let name = "descriptor \(socket.raw)"
    let result = linux_set_nonblocking(socket.raw)
    guard result == 0 else {
      throw VarlinkError(SystemError(-result), object: name, operation: "take over a connection")
    }
    self.init(socket, name: name, timeout: timeout, limits: limits)
  }

  /// Talks to a service through a program that carries the bytes. No descriptor crosses.
  /// - Throws: `unexpected`.
  package convenience init(
    _ process: ConnectedProcess, name: String, timeout: Duration? = nil,
    limits: WireLimits = VarlinkClient.defaultLimits
  ) throws(VarlinkError) {
    let result = linux_set_nonblocking(process.socket.raw)
    guard result == 0 else {
      throw VarlinkError(SystemError(-result), object: name, operation: "take over a connection")
    }
    self.init(process.socket, name: name, timeout: timeout, limits: limits, process: process)
  }

  /// Services may answer more than they take.
  package static var defaultLimits: WireLimits {
    WireLimits(
      messageBytes: 16 << 20, descriptors: Int(LINUX_DESCRIPTORS), values: 1 << 20)
  }

  /// Calls a method and waits for its reply.
  /// - Parameters:
  ///   - method: with its interface's name.
  ///   - descriptors: sent with the call; parameters refer to them by number from 0.
  /// - Throws: `remote` with the service's error, `busy` while a stream goes on, `disconnected`,
  ///   `timedOut` (and `disconnected` ever after: the reply may still come), `protocolViolation`,
  ///   `resourcesExhausted`.
  package func call(
    _ method: String, _ parameters: JSONObject = [:], descriptors: [FileDescriptor] = [],
    timeout: Duration? = nil
  ) throws(VarlinkError) -> VarlinkReply {
    do throws(VarlinkError) {
      try send(method, parameters, descriptors: descriptors, timeout: timeout)
      let reply = try receive(method, timeout: timeout)
      guard !reply.continues else { throw violation(method, "more than one reply to one call") }
      return reply
    } catch {
      isSpent = isSpent || (error.code != .remote && error.code != .busy)
      throw error
    }
  }

  /// Calls a method for any number of replies.
  /// - Throws: as `call`; the service's errors come from the replies.
  package func stream(
    _ method: String, _ parameters: JSONObject = [:], descriptors: [FileDescriptor] = []
  ) throws(VarlinkError) -> VarlinkReplies {
    try send(method, parameters, flag: "more", descriptors: descriptors)
    openStream = method
    return VarlinkReplies(self, method: method)
  }

  /// Calls a method that is not to answer, and does not wait for it to run.
  /// - Throws: as `call`, without `remote`.
  package func oneway(
    _ method: String, _ parameters: JSONObject = [:], descriptors: [FileDescriptor] = []
  ) throws(VarlinkError) {
    try send(method, parameters, flag: "oneway", descriptors: descriptors)
  }

  /// Sends a call whose reply `receive` takes. Several may be sent before; their replies come in
  /// order.
  package func send(
    _ method: String, _ parameters: JSONObject = [:], flag: String? = nil,
    descriptors: [FileDescriptor] = [], timeout: Duration? = nil
  ) throws(VarlinkError) {
    if let openStream {
      throw VarlinkError(
        .busy, object: name, operation: method, cause: "the stream of \(openStream) is still open",
        hint: "make another connection")
    }
    if isSpent { throw disconnected(method, "an earlier call on this connection failed") }
    let deadline = deadline(timeout)
    if !descriptors.isEmpty, !hasBeenTaken { try becomeTaken(until: deadline, method) }
    var call: JSONObject = ["method": .string(method)]
    if !parameters.isEmpty { call["parameters"] = .object(parameters) }
    if let flag { call[flag] = true }
    if flag != "oneway" { unanswered += 1 }
    try put(Message(bytes: JSONWriter.bytes(call), descriptors: descriptors), deadline, method)
  }

  private func put(
    _ message: Message, _ deadline: UInt64?, _ method: String
  ) throws(VarlinkError) {
    writer.add(message)
    while true {
      try reading(method, "send a call") { () throws(WireFailure) in
        _ = try writer.flush(to: socket)
      }
      if writer.isEmpty { return }
      // A service that waits for its answers to be read reads no calls.
      if try wait(for: Int16(POLLOUT | POLLIN), until: deadline, method) & Int16(POLLIN) != 0 {
        if let message = try take(method) { received.append(message) }
      }
    }
  }

  /// Waits until the service has answered anything. Until it has taken the connection the kernel may
  /// refuse descriptors (SO_PASSRIGHTS, Linux 6.16).
  private func becomeTaken(until deadline: UInt64?, _ method: String) throws(VarlinkError) {
    let asks = unanswered == 0
    if asks {
      let call: JSONObject = ["method": .string("\(ServiceInterface.name).GetInfo")]
      try put(Message(bytes: JSONWriter.bytes(call)), deadline, method)
    }
    try waitForReply(until: deadline, method)
    if asks { received = [] }
  }

  /// Waits until there is a reply in `received`.
  private func waitForReply(until deadline: UInt64?, _ method: String) throws(VarlinkError) {
    while received.isEmpty {
      if let message = try take(method) {
        received.append(message)
      } else {
        _ = try wait(for: Int16(POLLIN), until: deadline, method)
      }
    }
    hasBeenTaken = true
  }

  /// Waits for the reply to the first call that has none yet.
  /// - Parameter method: for errors.
  package func receive(
    _ method: String, timeout: Duration? = nil
  ) throws(VarlinkError) -> VarlinkReply {
    try waitForReply(until: deadline(timeout), method)
    let message = received.removeFirst()
    unanswered = max(unanswered - 1, 0)
    return try reply(message, to: method)
  }
}

// MARK: Waiting and reading

extension VarlinkClient {
  private func deadline(_ timeout: Duration?) -> UInt64? {
    (timeout ?? self.timeout).map { EventLoop.now + min($0.nanoseconds, UInt64(Int64.max)) }
  }

  private func wait(
    for events: Int16, until deadline: UInt64?, _ method: String
  ) throws(VarlinkError) -> Int16 {
    while true {
      var milliseconds: Int32 = -1
      if let deadline {
        let now = EventLoop.now
        guard deadline > now else {
          throw VarlinkError(
            .timedOut, object: name, operation: method, cause: "no answer in time",
            hint: "the service may be busy: look at its log")
        }
        milliseconds = Int32(clamping: (deadline - now) / 1_000_000 + 1)
      }
      var entry = pollfd(fd: socket.raw, events: events, revents: 0)
      let result = unsafe poll(&entry, 1, milliseconds)
      if result > 0 { return entry.revents }
      if result < 0, errno != EINTR {
        throw VarlinkError(SystemError(errno), object: name, operation: method)
      }
    }
  }

  /// The next message; nil when none has come.
  private func take(_ method: String) throws(VarlinkError) -> Message? {
    let outcome = try reading(method, "read the reply") { () throws(WireFailure) in
      try reader.next(from: socket)
    }
    switch outcome {
    case .message(let message): return message
    case .nothing: return nil
    case .end: throw disconnected(method, "the service closed the connection without an answer")
    }
  }

  private func disconnected(_ method: String, _ cause: String, errno: Int32 = 0) -> VarlinkError {
    VarlinkError(
      .disconnected, object: name, operation: method, cause: cause,
      hint: "it may have ended, be at its limit of connections, or have refused the message: "
        + "look at its log", errno: errno)
  }

  private func violation(_ method: String, _ cause: String) -> VarlinkError {
    VarlinkError(
      .protocolViolation, object: name, operation: method, cause: cause,
      hint: "it is not a Varlink service, or has another version: look at its log")
  }

  private func reading<R>(
    _ method: String, _ operation: String, _ body: () throws(WireFailure) -> R
  ) throws(VarlinkError) -> R {
    do throws(WireFailure) {
      return try body()
    } catch {
      switch error {
      case .system(EPIPE), .system(ECONNRESET):
        throw disconnected(method, "the service closed the connection", errno: ECONNRESET)
      case .system(let number):
        throw VarlinkError(
          SystemError(number), object: name, operation: "\(operation): \(method)")
      case .cutShort: throw disconnected(method, error.description)
      case .descriptorsLost:
        throw VarlinkError(
          .resourcesExhausted, object: name, operation: method, cause: error.description,
          hint: "raise the limit (systemd: LimitNOFILE=)")
      case .tooLong, .tooManyDescriptors, .unwantedDescriptors:
        throw violation(method, error.description)
      }
    }
  }

  private func reply(
    _ message: Message, to method: String
  ) throws(VarlinkError) -> VarlinkReply {
    let value: JSON
    do throws(JSONError) {
      value = try JSONParser.parse(message.bytes, values: reader.limits.values)
    } catch {
      throw violation(method, "the reply is not JSON: \(error)")
    }
    guard let object = value.object else { throw violation(method, "the reply is not an object") }
    var parameters: JSONObject = [:]
    switch object["parameters"] {
    case nil, .null: break
    case .object(let given): parameters = given
    default: throw violation(method, "the reply's parameters are not an object")
    }
    if let error = object["error"] {
      guard let error = error.string else { throw violation(method, "the error has no name") }
      let reply = ErrorReply(error, parameters)
      throw VarlinkError(
        .remote, object: name, operation: method, cause: reply.description,
        hint: reply.hint ?? "", reply: reply)
    }
    return VarlinkReply(
      parameters: parameters, descriptors: message.descriptors,
      continues: object["continues"]?.bool ?? false)
  }
}

// MARK: What every service answers

extension VarlinkClient {
  /// The description of one of the service's interfaces.
  /// - Throws: as `call`, and `invalidDescription`.
  package func interface(_ interface: String) throws(VarlinkError) -> InterfaceDescription {
    let method = "\(ServiceInterface.name).GetInterfaceDescription"
    let reply = try call(method, ["interface": .string(interface)])
    guard let text = reply.parameters["description"]?.string else {
      throw violation(method, "the reply has no description")
    }
    return try InterfaceDescription(text, dialect: .whole)
  }
}

// MARK: Replies

/// A method's answer.
package struct VarlinkReply {
  package let parameters: JSONObject
  /// The descriptors sent with it; parameters refer to them by number from 0.
  package let descriptors: [FileDescriptor]
  /// More replies follow.
  package let continues: Bool
}

/// The replies to a call with `more`, one after the other. As long as it goes on, its client takes
/// no other call; to end it early, drop the client.
package struct VarlinkReplies {
  private let client: VarlinkClient
  private let method: String
  private var hasEnded = false

  init(_ client: VarlinkClient, method: String) {
    self.client = client
    self.method = method
  }

  /// Waits for the next reply; nil after the last.
  /// - Parameter timeout: for this reply; nil takes the client's.
  /// - Throws: as `VarlinkClient.call`. After `timedOut` one may try again.
  package mutating func next(timeout: Duration? = nil) throws(VarlinkError) -> VarlinkReply? {
    if hasEnded { return nil }
    do throws(VarlinkError) {
      let reply = try client.receive(method, timeout: timeout)
      if !reply.continues { end() }
      return reply
    } catch {
      if error.code != .timedOut { end() }
      throw error
    }
  }

  private mutating func end() {
    hasEnded = true
    client.openStream = nil
  }
}
