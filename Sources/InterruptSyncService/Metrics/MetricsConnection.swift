// One request and its answer. Nothing here waits; what takes too long is cut off.
import Glibc
import LinuxSystem
import UIO
import Varlink

/// A connection that asks for the metrics. On the loop's thread.
final class MetricsConnection {
  /// Who is at the other end.
  let user: UInt32
  /// Nil when it is closed.
  private var socket: FileDescriptor?
  private let loop: EventLoop
  private let answer: (HTTPRequest) -> HTTPResponse
  /// Called once, when it is closed.
  private let closed: () -> Void
  private var watch: EventLoop.Watch?
  private var timer: LoopTimer?
  private var received: [UInt8] = []
  /// What is still to be sent; nil while the request has not come.
  private var sending: ArraySlice<UInt8>?

  init(
    _ socket: FileDescriptor, of user: UInt32, on loop: EventLoop,
    answer: @escaping (HTTPRequest) -> HTTPResponse, closed: @escaping () -> Void
  ) {
    self.socket = socket
    self.user = user
    self.loop = loop
    self.answer = answer
    self.closed = closed
  }

  /// - Parameter patience: how long all of it may take.
  /// - Throws: `SystemError`.
  func start(patience: Duration) throws(SystemError) {
    guard let socket else { return }
    watch = try loop.watch(socket, for: .readable) { [weak self] _ in self?.ready() }
    timer = loop.after(patience) { [weak self] in self?.expired() }
  }

  private func ready() {
    if sending == nil { receive() }
    if sending != nil { send() }
  }

  private func receive() {
    guard let socket else { return }
    let room = HTTPRequest.sizeLimit + 1 - received.count
    var count = 0
    let piece = unsafe [UInt8](unsafeUninitializedCapacity: room) { buffer, filled in
      count = unsafe recv(socket.raw, buffer.baseAddress, room, Int32(MSG_DONTWAIT))
      filled = max(count, 0)
    }
    guard count > 0 else {
      if count == 0 || errno != EAGAIN && errno != EINTR { close() }
      return
    }
    received += piece
    // Without the end of a line there is nothing new to be understood.
    guard piece.contains(0x0a) || received.count > HTTPRequest.sizeLimit else { return }
    switch HTTPRequest.read(received) {
    case .incomplete: return
    case .complete(let request): reply(answer(request))
    case .refused(let status): reply(HTTPResponse(status))
    }
  }

  /// Answers without having been asked, as far as there is room, and closes the connection.
  func turnAway(_ response: HTTPResponse) {
    reply(response)
    send()
    close()
  }

  private func reply(_ response: HTTPResponse) {
    sending = response.bytes()[...]
    received = []
    if let watch { loop.change(watch, to: .writable) }
  }

  private func send() {
    while let socket, let rest = sending, !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Glibc.send(
          socket.raw, $0.baseAddress, $0.count, Int32(MSG_DONTWAIT | MSG_NOSIGNAL)
        )
      }
      if count < 0, errno == EINTR { continue }
      if count < 0, errno == EAGAIN { return }
      guard count >= 0 else { return close() }
      sending = rest.dropFirst(count)
    }
    close()
  }

  private func expired() {
    timer = nil
    if sending == nil, !received.isEmpty {
      turnAway(HTTPResponse(.requestTimeout))
    } else {
      close()
    }
  }

  /// Ends it, sent or not.
  func close() {
    guard socket != nil else { return }
    socket = nil
    if let watch { loop.unwatch(watch) }
    watch = nil
    if let timer { loop.cancel(timer) }
    timer = nil
    closed()
  }
}
