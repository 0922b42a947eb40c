// io.interruptsync over devices of a test's: the registry, its devices' objects and threads, and the server of clients
// are the daemon's, on a control thread of their own; the kernel's files are a copy, and so is the kernel behind VFIO.
import DeviceIdentity
import Glibc
import LinuxSystem
import TestSupport
import Varlink
import VFIO

@testable import InterruptSyncService

final class ServiceBench: @unchecked Sendable {
  let folder: TemporaryFolder
  private let thread: WorkerThread
  private let control: Control
  var address: String { folder.path("socket") }

  /// What the control thread works on.
  struct Parts {
    let loop: EventLoop
    let registry: DeviceRegistry
    let clients: ClientService
  }

  private final class Control: @unchecked Sendable {
    let monitor = Monitor()
    var mailbox: Mailbox<@Sendable (Parts) -> Void>?
    var failure: (any Error)?
    var hasStarted = false

    func started(_ mailbox: Mailbox<@Sendable (Parts) -> Void>?, _ failure: (any Error)?) {
      monitor.locked {
        (self.mailbox, self.failure, hasStarted) = (mailbox, failure, true)
        monitor.broadcast()
      }
    }
  }

  /// - Parameters:
  ///   - text: of the one device file.
  ///   - kernel: behind VFIO, with its files; nil: `sysfs` has UIO devices.
  init(_ text: String, sysfs: Sysfs, kernel: FakeVFIO? = nil) throws {
    let folder = try TemporaryFolder()
    try folder.write("\(deviceFolder)/10-bench.device", text)
    let control = Control()
    let address = folder.path("socket")
    thread = try WorkerThread(name: "control") {
      do { try Self.run(folder, sysfs, kernel, address, control) } catch {
        control.started(nil, error)
      }
    }
    control.monitor.locked { control.monitor.wait { !control.hasStarted } }
    (self.folder, self.control) = (folder, control)
    if let failure = control.failure { throw failure }
  }

  deinit {
    control.mailbox?.post { $0.loop.stop() }
    thread.join()
  }

  private static func run(
    _ folder: TemporaryFolder, _ sysfs: Sysfs, _ kernel: FakeVFIO?, _ address: String,
    _ control: Control
  ) throws {
    let files = try folder.configuration()
    let loop = try EventLoop()
    let quota = CPUQuota(on: loop)
    let manager = try ServiceManagerBridge(ServiceEnvironment(), journal: .standard, inherited: nil)
    let last = Holder<DeviceRegistry>()
    let functionReports = try loop.mailbox(of: FunctionReport.self) { last.value?.reported($0) }
    let reports = try loop.mailbox(of: DeviceReport.self) { report in
      guard let registry = last.value, let device = registry.device(report.device) else { return }
      registry.reported(device, report.report)
    }
    let functions = kernel.map { kernel in
      VFIOFunctions(manager, kernel: kernel, sysfs: sysfs) { functionReports.post($0) }
    }
    let registry = DeviceRegistry(
      named: [], files: files, opener: DeviceOpener(manager, sysfs: sysfs, functions: functions),
      journal: .standard
    ) { reports.post($0) }
    last.value = registry
    defer { last.value = nil }
    try registry.begin()
    let clients = try ClientService(
      registry: registry, settings: files.daemon, policy: AccessPolicy(files.daemon) { _ in },
      loop: loop, quota: quota, journal: .standard
    ) { () throws(ConfigurationError) in registry.apply(files) }
    try clients.server.listen(at: SocketAddress(path: address))
    // The loop keeps its handlers, so they must not keep it.
    let parts = Holder<Parts>()
    parts.value = Parts(loop: loop, registry: registry, clients: clients)
    defer { parts.value = nil }
    let mailbox = try loop.mailbox(of: (@Sendable (Parts) -> Void).self) { parts.value.map($0) }
    control.started(mailbox, nil)
    try loop.run()
    clients.server.stop()
    _ = registry.disconnectAll()
    registry.end()
  }

  private final class Holder<Value> { var value: Value? }

  func client() throws -> VarlinkClient { try VarlinkClient(address, timeout: .seconds(60)) }

  /// Does something on the control thread, and waits for it.
  func control<R: Sendable>(_ body: @escaping @Sendable (Parts) throws -> R) throws -> R {
    let answer = Guarded<Result<R, any Error>?>(nil)
    control.mailbox?.post { parts in
      let result = Result { try body(parts) }
      answer.withLock { $0 = result }
    }
    try eventually("the control thread") { answer.withLock { $0 != nil } }
    return try answer.withLock { $0! }.get()
  }
}
