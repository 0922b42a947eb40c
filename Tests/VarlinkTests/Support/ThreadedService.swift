import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import Varlink

/// The bench on a thread and a path of its own, for clients that wait.
final class ThreadedService: Sendable {
  enum Request: Sendable { case stop }

  let folder: String
  let path: String
  private let ending: Guarded<Mailbox<Request>?>
  private let worker: Guarded<WorkerThread?>

  init(limits: ServerLimits = ServerLimits()) throws {
    var template = Array("/tmp/varlink-tests-XXXXXX".utf8CString)
    try #require(mkdtemp(&template) != nil)
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    path = folder + "/bench"
    let path = path
    let started = Started()
    ending = Guarded(nil)
    worker = Guarded(
      try WorkerThread(name: "bench") {
        do {
          let bench = try Bench(limits: limits)
          try bench.server.listen(at: SocketAddress(path: path))
          let mailbox = try bench.loop.mailbox { [unowned loop = bench.loop] (_: Request) in
            loop.stop()
          }
          started.set(.success(mailbox))
          try bench.loop.run()
          bench.server.stop()
          if !bench.faults.isEmpty { Issue.record("replies not as declared: \(bench.faults)") }
        } catch {
          started.set(.failure(error))
        }
      })
    let mailbox = try started.wait().get()
    ending.withLock { $0 = mailbox }
  }

  /// Ends the service and waits for it.
  func stop() {
    ending.withLock { $0?.post(.stop) }
    let ended = worker.withLock { worker in
      defer { worker = nil }
      return worker
    }
    ended?.join()
    rmdir(folder)
  }

  /// The outcome of the start, which one thread gives and one waits for.
  private final class Started: @unchecked Sendable {
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)
    private var result: Result<Mailbox<Request>, any Error>?

    init() { sem_init(semaphore, 0, 0) }

    deinit {
      sem_destroy(semaphore)
      semaphore.deallocate()
    }

    func set(_ result: Result<Mailbox<Request>, any Error>) {
      self.result = result
      sem_post(semaphore)
    }

    func wait() throws -> Result<Mailbox<Request>, any Error> {
      while sem_wait(semaphore) != 0 {}
      return try #require(result)
    }
  }
}
