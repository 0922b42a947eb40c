// The daemon's body: signals, devices that come and go, reports, clients, on one thread.
import CUIO
import DeviceInventory
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// Runs on the thread that calls `run()`; each connected device adds a dispatcher thread.
package final class Service {
  private let configuration: ServiceConfiguration
  private let journal: Journal
  private let supervision: Supervision
  private let loop: EventLoop
  private let quota: CPUQuota
  private let notices: NoticeBoard
  private let signals: FileDescriptor
  private let monitor: (devices: DeviceMonitor, socket: FileDescriptor)?
  private let registry: DeviceRegistry
  private var clients: ClientService?
  private var software: SoftwareService?
  private let status: StatusPrinter
  private var metrics: MetricsService?

  /// Takes over SIGTERM, SIGINT and SIGHUP of the calling thread; to be made before other threads.
  /// - Throws: `UIOError`, `SystemError`.
  package init(
    _ configuration: ServiceConfiguration,
    environment: ServiceEnvironment = ServiceEnvironment(), journal: Journal = .standard
  ) throws {
    self.configuration = configuration
    self.journal = journal
    if let files = configuration.files { journal.admit(files.daemon.logLevel) }
    supervision = try Supervision(environment, journal: journal)
    loop = try EventLoop()
    quota = CPUQuota(on: loop)
    notices = try NoticeBoard()
    let caught = [SIGTERM, SIGINT, SIGHUP]
    signals = try Self.adopt(unsafe cuio_signal_create(caught, caught.count))
    if configuration.servesDevices {
      let devices = try DeviceMonitor()
      // The loop keeps what it watches, and this one is libudev's.
      monitor = (devices, try Self.adopt(fcntl(devices.descriptor, F_DUPFD_CLOEXEC, 3)))
    } else {
      monitor = nil
    }
    registry = DeviceRegistry(
      named: configuration.devices, files: configuration.files, notices: notices,
      supervision: supervision, journal: journal)
    status = StatusPrinter(isJSON: configuration.isJSON)
  }

  private static func adopt(_ fd: Int32) throws(UIOError) -> FileDescriptor {
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "interruptsyncd", operation: "start",
        cause: "no descriptor to be had",
        errno: -fd)
    }
    return FileDescriptor(adopting: fd)
  }

  /// Serves until told to end.
  /// - Throws: `UIOError`, `InterruptSyncError` or `VarlinkError` when a device that was named
  ///   cannot be served, or a socket not be had.
  package func run() throws {
    defer { end() }
    do { try begin() } catch {
      supervision.failed("\(error)", errno: Self.errno(of: error))
      throw error
    }
    supervision.ready(statusLine)
    try loop.run()
  }

  static func errno(of error: any Error) -> Int32 {
    switch error {
    case let error as UIOError: error.errorNumber
    case let error as InterruptSyncError: error.errorNumber
    case let error as VarlinkError: error.errno
    case let error as SystemError: error.number
    default: 0
    }
  }

  private func begin() throws {
    try watchEverything()
    if configuration.servesDevices { try registry.begin() }
    if configuration.hasSoftwareLine {
      let software = try SoftwareService(rate: configuration.softwareRate, notices: notices)
      try loop.watch(software.clock, for: .readable) { _ in software.tick() }
      self.software = software
    }
    let settings = configuration.files?.daemon ?? DaemonSettings()
    let policy = policy(of: settings)
    bound(settings, policy)
    metrics = try MetricsService(
      of: registry, settings, policy, sockets: supervision.metricsListeners, on: loop,
      quota: quota, journal: journal)
    // The last: whoever can connect finds the rest in place.
    try listen(settings, policy)
    if let duration = configuration.duration {
      loop.after(.nanoseconds(Int64(duration * 1e9))) { [loop] in loop.stop() }
    }
    loop.after(.seconds(1), repeats: true) { [unowned self] in everySecond() }
  }

  private func everySecond() {
    if printsStatus { printStatus() }
    supervision.save(registry.devices.compactMap(\.totals))
    supervision.status(statusLine)
    journal.settle()
  }

  private func watchEverything() throws(SystemError) {
    try loop.watch(signals, for: .readable) { [unowned self] _ in
      while true {
        switch cuio_signal_read(signals.raw) {
        case ..<1: return
        case SIGHUP: try? reload()
        default: return loop.stop()
        }
      }
    }
    try loop.watch(notices.event, for: .readable) { [unowned self] _ in hear() }
    if let clock = supervision.clock {
      try loop.watch(clock, for: .readable) { [unowned self] _ in lookAfterWatchdog() }
    }
    guard let monitor else { return }
    try loop.watch(monitor.socket, for: .readable) { [unowned self] _ in
      for event in monitor.devices.receive() {
        switch event {
        case .added(let info): registry.arrived(info)
        case .removed(let number): registry.left(number: number)
        }
      }
    }
  }

  private func listen(_ settings: DaemonSettings, _ policy: AccessPolicy) throws {
    let inherited = supervision.listeners
    var paths = configuration.sockets
    // Without a socket unit, in the folder that the manager has made.
    if inherited.isEmpty, paths.isEmpty, let folder = supervision.runtimeFolder {
      paths = ["\(folder)/\(ClientError.interface)"]
    }
    guard !paths.isEmpty || !inherited.isEmpty else { return }
    let clients = try ClientService(
      registry: registry, settings: settings, policy: policy, loop: loop, quota: quota,
      journal: journal
    ) { [unowned self] () throws(ConfigurationError) in try reload() }
    for socket in inherited { try clients.server.listen(on: socket) }
    for path in paths {
      try clients.server.listen(
        at: SocketAddress(path: path), mode: 0o664, group: AccessPolicy.number("uio"))
    }
    self.clients = clients
  }

  /// What clients may take of this thread's processor.
  private func bound(_ settings: DaemonSettings, _ policy: AccessPolicy) {
    quota.share = Double(settings.limits.cpuQuotaPerUser) / 100
    quota.exempts = { policy.role(of: $0) >= .control }
    quota.observe = { [journal] user in
      journal.log(
        LogRecord(
          .notice,
          "user \(user) is held up: its calls take more of a processor than CPUQuotaPerUser=",
          event: .clientThrottled, clientUID: user))
    }
  }

  private func policy(of settings: DaemonSettings) -> AccessPolicy {
    AccessPolicy(settings) { [journal] group in
      journal.log(.warning, "there is no group \"\(group)\": nobody gets a role by it")
    }
  }

  /// All of it, or nothing: what is at fault leaves the old configuration as it was.
  private func reload() throws(ConfigurationError) {
    guard let read = configuration.read else { return }
    supervision.reloading()
    defer { supervision.reloaded(statusLine) }
    do throws(ConfigurationError) {
      let files = try read()
      registry.apply(files)
      journal.admit(files.daemon.logLevel)
      let policy = policy(of: files.daemon)
      bound(files.daemon, policy)
      clients?.apply(files.daemon, policy)
      metrics?.apply(files.daemon, policy)
      journal.log(.info, "configuration read anew: \(files.devices.count) device files")
    } catch {
      journal.log(
        .error, "the configuration stays as it was:\n\(error.description)",
        event: .configurationRejected)
      throw error
    }
  }

  private func hear() {
    for (name, report) in notices.take() {
      let device = registry.device(name)
      let interrupts = device?.statistics.interrupts ?? software?.statistics.interrupts ?? 0
      journal.log(LogRecord(report, device: name, interrupts: interrupts))
      guard let device else { continue }
      // Not when it is back already, with descriptors of the same name, and not for what was still
      // to be said when it was disconnected: at the end it is to be kept.
      if device.object?.state == .ended, !device.isSoftware { supervision.forget(device.id) }
      registry.tell(.changed, device)
    }
  }

  private func lookAfterWatchdog() {
    var beats: [String: UInt64] = [:]
    for device in registry.devices where device.isConnected {
      beats[device.id] = device.object?.heartbeat
    }
    beats[SoftwareService.name] = software?.heartbeat
    supervision.lookAfterWatchdog(beats)
  }

  /// For the service manager.
  private var statusLine: String {
    if software != nil { return "a software line is serviced" }
    let wanted = registry.devices.filter(\.isWanted)
    let attached = registry.devices.count { $0.attachment != nil }
    guard !wanted.isEmpty || attached > 0 else { return "no device that is configured is there" }
    let storming = wanted.count { $0.state == .storming }
    return "\(wanted.count { $0.isConnected }) of \(wanted.count) devices serviced"
      + (attached > 0 ? ", \(attached) attached by clients" : "")
      + (storming > 0 ? ", \(storming) storming" : "")
  }

  /// A record a second is for who runs it in a terminal: the journal is no place for it.
  private var printsStatus: Bool { configuration.printsStatus && !isQuiet && clients == nil }
  private let isQuiet = Journal.isStream(Journal.stream, 1)

  private func printStatus() {
    var records = registry.devices.filter(\.isWanted).map {
      device -> (String, String, InterruptStatistics) in
      let isGone = device.state == .gone
      let state = device.object?.state ?? .disconnected
      return (device.id, isGone ? "gone" : state.rawValue, device.statistics)
    }
    if let software {
      records.append((software.name, software.state.rawValue, software.statistics))
    }
    status.print(records)
  }

  /// Disconnects, and gives the totals with the mean rates of the whole run.
  private func end() {
    supervision.stopping()
    clients?.server.stop()
    metrics?.stop()
    for device in registry.devices { device.disconnect() }
    software?.stop()
    hear()
    if printsStatus {
      status.beginAgain()
      printStatus()
    } else {
      tellTotals()
    }
    registry.end()
  }

  private func tellTotals() {
    for device in registry.devices where device.object != nil {
      let statistics = device.statistics
      journal.log(
        LogRecord(
          .info,
          "\(device.id): disconnected after \(statistics.interrupts) interrupts, \(statistics.claimed) dispatches claimed",
          device: device.id, interrupts: statistics.interrupts))
    }
  }
}
