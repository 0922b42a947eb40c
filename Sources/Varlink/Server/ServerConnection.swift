// Floor 5. One client's connection. A call is begun only when the one before it is answered and
// most of the answers are read: so replies keep their order, and a client that calls without
// reading waits in its own send. VarlinkServer makes it and is known here only as a
// `ConnectionOwner`; the loop calls it when the socket is ready, VarlinkCall when there is an
// answer. Control thread; no lock.
import CLinuxSystem
import LinuxSystem

/// What a connection needs of the server that it belongs to.
protocol ConnectionOwner: AnyObject {
  /// The route of a method that the peer may call. A thrown error is the answer.
  func route(_ method: String, of peer: PeerCredentials) throws(ErrorReply) -> MethodRoute
  var replyCheck: ((String) -> Void)? { get }
  /// Called before a connection is closed for what its client did or left undone.
  func closing(_ connection: ServerConnection, because cause: String)
  /// Called once when a connection has closed.
  func closed(_ connection: ServerConnection)
}

/// A client's connection. On the loop's thread.
final class ServerConnection: ReplySink {
  /// Never used twice by one server.
  package let id: UInt64
  package let peer: PeerCredentials
  let standing: PeerStanding
  /// Nil when the connection is closed, however long this object lives.
  private var socket: FileDescriptor?
  private let loop: EventLoop
  private let quota: CPUQuota
  var limits: ServerLimits {
    didSet {
      reader.limits = messageLimits
      update()
    }
  }
  private weak var owner: (any ConnectionOwner)?
  private var reader: MessageReader
  private var writer = MessageWriter()
  private var watch: EventLoop.Watch?
  private var readiness: Readiness = .readable

  /// The call that is being answered.
  private weak var current: VarlinkCall?
  private var isAnswering = false
  private var isReading = false
  /// Its user has had its share of the processor.
  private var isWaiting = false
  /// Its user may have all of the processor.
  private var isExempt: Bool
  /// The client sends no more; what waits for it is still sent.
  private var hasEnded = false
  private var wasFull = false
  private var closers: [() -> Void] = []
  /// When it was made, or last had a call or an answer.
  private(set) var lastUse = EventLoop.now

  /// When the message that is being received began, or 0.
  private var receivingSince: UInt64 = 0
  /// When the client last read anything, while something waits for it, or 0.
  private var waitingSince: UInt64 = 0

  init(
    _ id: UInt64, socket: FileDescriptor, peer: PeerCredentials, standing: PeerStanding,
    adopt: ((Int32) -> FileDescriptor)?, owner: any ConnectionOwner, loop: EventLoop,
    quota: CPUQuota, limits: ServerLimits
  ) {
    self.id = id
    self.socket = socket
    self.peer = peer
    self.standing = standing
    self.owner = owner
    self.loop = loop
    self.quota = quota
    isExempt = quota.exempts(peer)
    self.limits = limits
    let message = standing.sendsLargeMessages ? limits.message : limits.smallMessage
    reader = MessageReader(limits: message, adopt: adopt)
  }

  /// A client that has been exempted has shown that it may send large messages, too.
  private var messageLimits: WireLimits {
    standing.sendsLargeMessages || isExempt ? limits.message : limits.smallMessage
  }

  /// No call waits for its answer, and nothing depends on the connection.
  var isIdle: Bool { !isAnswering && !isWaiting && writer.isEmpty && closers.isEmpty }

  func start() throws(VarlinkError) {
    guard let socket else { return }
    do throws(SystemError) {
      watch = try loop.watch(socket, for: readiness) { [weak self] in self?.ready($0) }
    } catch { throw VarlinkError(error) }
  }

  package var isClosed: Bool { socket == nil }
  var replyCheck: ((String) -> Void)? { owner?.replyCheck }

  /// Calls `body` once when the connection is closed, by either side. For objects that belong to it.
  package func whenClosed(_ body: @escaping () -> Void) {
    if isClosed { body() } else { closers.append(body) }
  }

  /// No longer holds it up for what its user takes of the processor.
  package func exempt() {
    isExempt = true
    reader.limits = messageLimits
  }

  private func ready(_ readiness: Readiness) {
    if isExempt { return serve(readiness) }
    quota.charge(peer.user) { serve(readiness) }
  }

  /// Looks neither for calls nor for the client's end until its user may have the processor again.
  private func wait() {
    if let watch { loop.unwatch(watch) }
    watch = nil
    isWaiting = true
    quota.whenAllowed(peer.user) { [weak self] in self?.resume() }
  }

  private func resume() {
    isWaiting = false
    do throws(VarlinkError) { try start() } catch { return close(because: error.cause) }
    flush()
    read()
  }

  private func serve(_ readiness: Readiness) {
    flush()
    if !isClosed, isAnswering, readiness.contains(.hungUp) {
      close()
    } else {
      read()
    }
  }

  private func read() {
    guard !isReading else { return }
    isReading = true
    repeat {
      answerCalls()
      flush()
      // By now there may be room, or time: calls that were taken already wake no loop.
    } while reader.hasMessage && mayAnswer
    isReading = false
    update()
  }

  private var mayAnswer: Bool { !isClosed && !hasEnded && !isAnswering && !isHeldUp && !isWaiting }

  /// Reads and answers calls for as long as there are any and nothing holds them up. No more are
  /// taken from the socket than have their turn: what is left there wakes the loop again.
  private func answerCalls() {
    var turns = limits.callsPerTurn
    while turns > 0 || reader.hasMessage {
      if isHeldUp { flush() }
      guard let socket, mayAnswer else { return }
      if !isExempt, quota.isThrottled(peer.user) { return wait() }
      do throws(WireFailure) {
        switch try reader.next(from: socket, most: max(turns, 1)) {
        case .message(let message):
          receivingSince = 0
          lastUse = EventLoop.now
          take(message)
        case .nothing:
          if receivingSince == 0, reader.isInsideMessage { receivingSince = EventLoop.now }
          return
        case .end:
          hasEnded = true
          return
        }
      } catch {
        return close(because: error)
      }
      if reader.hasDrained, !reader.hasMessage { return }
      turns -= 1
    }
  }

  /// A connection that a client resets is not reported.
  private func close(because failure: WireFailure) {
    if case .system = failure { close() } else { close(because: failure.description) }
  }

  /// Half of what may wait does.
  private var isHeldUp: Bool { writer.waitingBytes > limits.waitingBytes / 2 }

  private func update() {
    if hasEnded, !isAnswering, writer.isEmpty { close() }
    guard !isClosed, let watch else { return }
    let wanted = Readiness(
      readable: !isAnswering && !hasEnded && !isHeldUp, writable: !writer.isEmpty)
    guard wanted != readiness else { return }
    readiness = wanted
    loop.change(watch, to: wanted)
  }

  private func flush() {
    guard let socket, !writer.isEmpty else { return }
    do throws(WireFailure) {
      let hasSent = try writer.flush(to: socket)
      if writer.isEmpty {
        waitingSince = 0
      } else if hasSent || waitingSince == 0 {
        waitingSince = EventLoop.now
      }
    } catch {
      return close(because: error)
    }
    guard wasFull, !isHeldUp else { return }
    wasFull = false
    current?.onRoom?()
  }

  func closeIfStalled(_ now: UInt64) {
    let patience = limits.patience.nanoseconds
    if receivingSince != 0, now > receivingSince + patience {
      close(because: "the client did not finish a message in time")
    } else if waitingSince != 0, !isAnswering, now > waitingSince + patience {
      close(because: "the client did not read its answers in time")
    }
  }

  /// Closes the connection and reports why.
  func close(because cause: String) {
    // The answers before it may have waited to be sent together.
    flush()
    guard !isClosed else { return }
    owner?.closing(self, because: cause)
    close()
  }

  /// Closes the connection. The open call is cancelled.
  package func close() {
    guard let socket else { return }
    // The client reads the end at once, however long the close has to wait for its turn.
    linux_shutdown(socket.raw)
    self.socket = nil
    if let watch { loop.unwatch(watch) }
    owner?.closed(self)
    writer = MessageWriter()
    let call = current
    current = nil
    call?.cancel()
    let closers = closers
    self.closers = []
    for body in closers { body() }
  }
}

// MARK: Calls

extension ServerConnection {
  private func take(_ message: Message) {
    let header: CallHeader
    do throws(CallHeader.Malformed) {
      header = try CallHeader(message.bytes, values: reader.limits.values)
    } catch {
      return close(because: error.cause)
    }
    do throws(ErrorReply) {
      try answer(header, descriptors: message.descriptors)
    } catch {
      if !header.isOneway { enqueue(Reply(error), descriptors: []) }
    }
  }

  private func answer(
    _ header: CallHeader, descriptors: [FileDescriptor]
  ) throws(ErrorReply) {
    guard let owner else { return }
    let route = try owner.route(header.method, of: peer)
    // No method here changes the protocol of its connection.
    if header.wantsUpgrade { throw .methodNotImplemented(header.method) }
    if route.streaming == .required, !header.wantsMore { throw .expectedMore }
    if let fault = route.interface.fault(in: header.parameters, against: route.input) {
      throw .invalidParameter(fault)
    }
    let descriptors = route.descriptors.isEmpty ? [] : descriptors
    if let fault = route.fault(in: header.parameters, descriptors: descriptors.count) {
      throw .invalidParameter(fault)
    }
    let call = VarlinkCall(header, route: route, connection: self, descriptors: descriptors)
    if !call.isOneway {
      isAnswering = true
      current = call
    }
    do throws(ErrorReply) {
      try route.body(call)
    } catch {
      call.fail(error)
    }
  }

  /// The last message of an answer.
  func finish(_ reply: Reply, descriptors: [FileDescriptor]) {
    guard !isClosed else { return }
    isAnswering = false
    lastUse = EventLoop.now
    current = nil
    wasFull = false
    // A stream could wait for its reader; its end does not.
    if waitingSince != 0 { waitingSince = EventLoop.now }
    enqueue(reply, descriptors: descriptors)
    read()
  }

  /// A message of an answer that goes on.
  func add(_ reply: Reply, descriptors: [FileDescriptor]) -> VarlinkCall.Sent {
    guard !isClosed else { return .ended }
    guard writer.waitingBytes < limits.waitingBytes else {
      wasFull = true
      return .full
    }
    if isExempt {
      enqueue(reply, descriptors: descriptors)
    } else {
      quota.charge(peer.user) { enqueue(reply, descriptors: descriptors) }
    }
    return isClosed ? .ended : .queued
  }

  private func enqueue(_ reply: Reply, descriptors: [FileDescriptor]) {
    writer.add(descriptors) { reply.write(to: &$0) }
    // The answer to the call behind it goes with it, if that is here already.
    if isReading, reader.hasMessage, !isAnswering, !isHeldUp { return }
    flush()
    update()
  }

  func abandoned(_ method: String) {
    guard !isClosed else { return }
    isAnswering = false
    close(because: "\(method) left a call without an answer")
  }
}
