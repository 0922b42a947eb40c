// A daemon whose answers a test defines, with the real interface: an answer that the interface does not
// declare is an issue. Each one runs its event loop on a thread of its own, where the handlers run.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import InterruptSyncClient
@testable import InterruptSyncService
@testable import Varlink

final class FakeDaemon: Sendable {
  typealias Handler = @Sendable (VarlinkCall) throws(ErrorReply) -> Void

  /// A method's answer.
  struct Method: Sendable {
    let name: String
    var streaming = VarlinkServer.Streaming.never
    var descriptors: [String] = []
    let handler: Handler
  }

  let folder: String
  var address: String { folder + "/socket" }
  private let state: Shared

  private final class Shared: @unchecked Sendable {
    let started = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    var mailbox: Mailbox<Bool>?
    var failure: (any Error)?
    var thread: WorkerThread?

    init() { sem_init(started, 0, 0) }

    deinit {
      sem_destroy(started)
      started.deallocate()
    }
  }

  init(_ methods: Method...) throws {
    var template = Array("/tmp/client-tests-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    state = Shared()
    let (state, path) = (state, folder + "/socket")
    state.thread = try WorkerThread(name: "fake-daemon") {
      do {
        let loop = try EventLoop()
        let server = try Self.server(methods, on: loop)
        try server.listen(at: SocketAddress(path: path))
        state.mailbox = try loop.mailbox { [unowned loop] (_: Bool) in loop.stop() }
        sem_post(state.started)
        try loop.run()
        server.stop()
      } catch {
        state.failure = error
        sem_post(state.started)
      }
    }
    while sem_wait(state.started) != 0 {}
    if let failure = state.failure { throw failure }
  }

  /// One method that answers the same each time.
  convenience init(_ name: String, _ reply: JSONObject) throws {
    try self.init(Method(name: name) { call in call.reply(reply) })
  }

  /// One method that refuses.
  convenience init(_ name: String, refusing error: ErrorReply) throws {
    try self.init(Method(name: name) { _ throws(ErrorReply) in throw error })
  }

  deinit {
    stop()
    rmdir(folder)
  }

  func stop() {
    guard let mailbox = state.mailbox else { return }
    state.mailbox = nil
    mailbox.post(true)
    state.thread?.join()
  }

  func client() throws -> InterruptSyncClient {
    try InterruptSyncClient(address: address, timeout: .seconds(60))
  }

  private static func server(_ methods: [Method], on loop: EventLoop) throws -> VarlinkServer {
    let server = try VarlinkServer(
      loop: loop,
      identity: ServiceIdentity(vendor: "Tests", product: "Fake", version: "1", url: ""))
    let text = String(decoding: PackageResources.io_interruptsync_varlink, as: UTF8.self)
    server.add(try InterfaceDescription(text))
    server.replyCheck = { Issue.record("not as the interface declares: \($0)") }
    for method in methods {
      let handler = method.handler
      server.handle(
        "io.interruptsync.\(method.name)", streaming: method.streaming,
        descriptors: method.descriptors
      ) { call throws(ErrorReply) in try handler(call) }
    }
    return server
  }
}

/// An error of the interface.
func refusal(_ name: String, _ parameters: JSONObject = [:]) -> ErrorReply {
  ErrorReply("io.interruptsync.\(name)", parameters)
}

/// The error that a body throws.
func failure(_ body: () throws -> Void) -> InterruptSyncClientError? {
  do { try body() } catch { return error as? InterruptSyncClientError }
  return nil
}

/// Records what handlers saw on the daemon's thread.
final class Seen<Value: Sendable>: Sendable {
  private let values = Guarded<[Value]>([])
  func add(_ value: Value) { values.withLock { $0.append(value) } }
  var all: [Value] { values.withLock { $0 } }
}
