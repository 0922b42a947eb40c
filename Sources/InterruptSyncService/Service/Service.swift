// Service room. The daemon's body: one loop for signals, devices that come and go, reports of
// dispatchers, timers and clients. `main` makes it and calls `run()`. It makes the other rooms'
// objects and connects them. Everything runs on the control thread; each connected device adds a
// dispatcher thread, whose reports come through a mailbox. No lock is held here, and no handler may
// wait without a bound.
import CUIO
import DeviceInventory
import Glibc
import InterruptSync
import LinuxSystem
import UIO
import Varlink

/// The daemon.
package final class Service {
  private let configuration: ServiceConfiguration
  private let journal: Journal
  private let manager: ServiceManagerBridge
  private let loop: EventLoop
  private let quota: CPUQuota
  private let reports: Mailbox<DeviceReport>
  private let functionReports: Mailbox<FunctionReport>
  private let signals: FileDescriptor
  private let monitor: (devices: DeviceMonitor, socket: FileDescriptor)?
  private let functions: (monitor: VFIOMonitor, socket: FileDescriptor)?
  private let registry: DeviceRegistry
  private var clients: ClientService?
  private var software: SoftwareService?
  /// The files are invalid, and an earlier configuration is in force.
  private var isRejected: Bool
  private let status: StatusPrinter
  private var metrics: MetricsFile?
  /// Ended before the reports are drained for the last time.
  private var watches: [EventLoop.Watch] = []
  private var timers: [LoopTimer] = []

  /// Where the mailbox delivers; set once the service exists.
  private final class ReportHandler {
    var handle: (DeviceReport) -> Void = { _ in }
    var handleFunction: (FunctionReport) -> Void = { _ in }
  }

  /// Takes over SIGTERM, SIGINT and SIGHUP of the calling thread. Call it before there are other
  /// threads.
  /// - Throws: `UIOError`, `SystemError`.
  package init(
    _ configuration: ServiceConfiguration,
    environment: ServiceEnvironment = ServiceEnvironment(),
    inherited: InheritedDescriptors? = nil, journal: Journal = .standard
  ) throws {
    self.configuration = configuration
    self.journal = journal
    if let files = configuration.files { journal.admit(files.daemon.logLevel) }
    isRejected = configuration.isKept
    manager = try ServiceManagerBridge(environment, journal: journal, inherited: inherited)
    if !configuration.isKept { manager.keep(configuration: configuration.files?.dump) }
    loop = try EventLoop()
    quota = CPUQuota(on: loop)
    let handler = ReportHandler()
    let reports = try loop.mailbox(of: DeviceReport.self) { handler.handle($0) }
    self.reports = reports
    let functionReports = try loop.mailbox(of: FunctionReport.self) { handler.handleFunction($0) }
    self.functionReports = functionReports
    let caught = [SIGTERM, SIGINT, SIGHUP]
    signals = try Self.adopt(unsafe linux_signal_create(caught, caught.count))
    // Refused, the table grows later, when clients come.
    _ = linux_reserve_descriptors(signals.raw, 8192)
    if configuration.servesDevices {
      let devices = try DeviceMonitor()
      // The loop keeps what it watches, and libudev closes its own descriptor.
      monitor = (devices, try Self.copy(devices.descriptor))
      let functions = try VFIOMonitor()
      self.functions = (functions, try Self.copy(functions.descriptor))
    } else {
      (monitor, functions) = (nil, nil)
    }
    registry = DeviceRegistry(
      named: configuration.devices, files: configuration.files,
      opener: DeviceOpener(manager, functions: VFIOFunctions(manager) { functionReports.post($0) }),
      journal: journal
    ) { reports.post($0) }
    status = StatusPrinter(isJSON: configuration.isJSON)
    handler.handle = { [unowned self] in handle($0) }
    handler.handleFunction = { [unowned self] in registry.reported($0) }
  }

  /// - Throws: what fcntl answered.
  static func copy(_ descriptor: Int32) throws(UIOError) -> FileDescriptor {
    let copy = fcntl(descriptor, F_DUPFD_CLOEXEC, 3)
    return try adopt(copy < 0 ? -errno : copy)
  }

  /// - Parameter fd: a descriptor, or -errno.
  private static func adopt(_ fd: Int32) throws(UIOError) -> FileDescriptor {
    guard fd >= 0 else {
      throw UIOError(
        .resourcesExhausted, device: "interruptsyncd", operation: "start",
        cause: "cannot open a descriptor",
        hint: UIOOperation.limitHint, errno: -fd)
    }
    return FileDescriptor(adopting: fd)
  }

  // MARK: The run

  /// Services until SIGTERM, SIGINT, or the end of the duration.
  /// - Throws: `UIOError`, `InterruptSyncError`, `VarlinkError` or `SystemError` if a device of the
  ///   command line cannot be serviced, or a socket cannot be created.
  package func run() throws {
    defer { end() }
    do { try begin() } catch {
      manager.failed("\(error)", errno: Failure(error).errno)
      throw error
    }
    manager.ready(statusLine)
    try loop.run()
  }

  private func begin() throws {
    try watchEverything()
    if configuration.servesDevices { try registry.begin() }
    if configuration.hasSoftwareLine {
      let software = try SoftwareService(rate: configuration.softwareRate) { [reports] in
        reports.post($0)
      }
      try watch(software.clock) { software.tick() }
      self.software = software
    }
    let settings = configuration.files?.daemon ?? DaemonSettings()
    let policy = policy(of: settings)
    limit(settings, policy)
    writeMetrics(settings)
    // Last: a client that connects finds the rest in place.
    try listen(settings, policy)
    if let duration = configuration.duration {
      timers.append(loop.after(.nanoseconds(Int64(duration * 1e9))) { [loop] in loop.stop() })
    }
    timers.append(loop.after(.seconds(1), repeats: true) { [unowned self] in everySecond() })
    // As long as io.interruptsync says that a window is.
    timers.append(
      loop.after(.seconds(10), repeats: true) { [registry] in registry.turnHistogramWindows() })
  }

  private func everySecond() {
    if printsStatus { printStatus() }
    registry.lookAtWaiting()
    registry.opener.functions.releaseClosed()
    DispatcherAttributes.restoreAffinities()
    manager.save(registry.devices.compactMap(\.totals))
    manager.status(statusLine)
    manager.sendWaiting()
    journal.flushSuppressed()
  }

  private func watch(
    _ descriptor: FileDescriptor, _ handler: @escaping () -> Void
  ) throws(SystemError) {
    watches.append(try loop.watch(descriptor, for: .readable) { _ in handler() })
  }

  private func watchEverything() throws(SystemError) {
    try watch(signals) { [unowned self] in
      while true {
        switch linux_signal_read(signals.raw) {
        case ..<1: return
        case SIGHUP: try? reload()
        default: return loop.stop()
        }
      }
    }
    if let timer = manager.watchdogTimer {
      try watch(timer) { [unowned self] in checkWatchdog() }
    }
    if let monitor {
      try watch(monitor.socket) { [unowned self] in
        for event in monitor.devices.receive() {
          switch event {
          case .added(let info): registry.arrived(ManagedDeviceInfo(info))
          case .removed(let number): registry.removed(number: number)
          }
        }
      }
    }
    guard let functions else { return }
    try watch(functions.socket) { [unowned self] in
      for event in functions.monitor.receive() {
        switch event {
        case .added(let function): registry.arrived(function)
        case .removed(let address): registry.removed(address)
        }
      }
    }
  }

  /// Disconnects, and prints the totals with the mean rates of the whole run.
  private func end() {
    manager.stopping()
    clients?.server.stop()
    metrics = nil
    registry.outlive()
    let isHung = registry.disconnectAll()
    software?.stop()
    drainReports()
    if printsStatus {
      status.beginTotals()
      printStatus()
    } else {
      logTotals()
    }
    manager.finish()
    // What a thread inside a routine uses must last as long as the process.
    if isHung { _exit(EXIT_SUCCESS) }
    registry.end()
  }

  /// Handles what dispatchers reported before they ended, and nothing else.
  private func drainReports() {
    watches.forEach(loop.unwatch)
    timers.forEach(loop.cancel)
    _ = try? loop.turn(milliseconds: 0)
  }

  // MARK: Clients

  private func listen(_ settings: DaemonSettings, _ policy: AccessPolicy) throws {
    let inherited = manager.listeners
    var paths = configuration.sockets
    // Without a socket unit: in the folder that the manager made.
    if inherited.isEmpty, paths.isEmpty, let folder = manager.runtimeFolder {
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

  /// Sets what clients may take of this thread's processor.
  private func limit(_ settings: DaemonSettings, _ policy: AccessPolicy) {
    quota.share = Double(settings.limits.cpuQuotaPerUser) / 100
    quota.exempts = { policy.role(of: $0) >= .control }
    quota.observe = { [journal] user in
      journal.log(
        LogRecord(
          .notice, "user \(user) throttled: exceeded CPUQuotaPerUser=", event: .clientThrottled,
          clientUID: user))
    }
  }

  private func policy(of settings: DaemonSettings) -> AccessPolicy {
    AccessPolicy(settings) { [journal] group in
      journal.log(.warning, "the group \"\(group)\" does not exist: no user has a role through it")
    }
  }

  // MARK: Configuration

  private func writeMetrics(_ settings: DaemonSettings) {
    metrics = settings.metricsTextfile.map {
      MetricsFile($0, every: settings.metricsInterval, on: loop, journal: journal) {
        [registry] in registry.snapshot
      }
    }
  }

  /// Takes over all of the configuration or, if it has a fault, none of it.
  private func reload() throws(ConfigurationError) {
    guard let read = configuration.read else { return }
    manager.reloading()
    defer { manager.reloaded(statusLine) }
    do throws(ConfigurationError) {
      let files = try read()
      registry.apply(files)
      isRejected = false
      manager.keep(configuration: files.dump)
      journal.admit(files.daemon.logLevel)
      let policy = policy(of: files.daemon)
      limit(files.daemon, policy)
      clients?.apply(files.daemon, policy)
      writeMetrics(files.daemon)
      journal.log(.info, "configuration reloaded: \(counted(files.devices.count, "device file"))")
    } catch {
      isRejected = true
      journal.log(
        .error, "configuration rejected, the previous one stays in force:\n\(error.description)",
        event: .configurationRejected)
      throw error
    }
  }

  // MARK: Reports

  private func handle(_ report: DeviceReport) {
    let device = registry.device(report.device)
    let interrupts = device?.statistics.interrupts ?? software?.statistics.interrupts ?? 0
    journal.log(LogRecord(report.report, device: report.device, interrupts: interrupts))
    if let device { registry.reported(device, report.report) }
  }

  private func checkWatchdog() {
    var beats: [String: UInt64] = [:]
    for device in registry.devices where device.isConnected {
      beats[device.id] = device.object?.heartbeat
    }
    beats[SoftwareService.name] = software?.heartbeat
    manager.checkWatchdog(beats)
  }

  private var statusLine: String {
    let line =
      software == nil ? StatusPrinter.summary(registry.snapshot) : "servicing a software line"
    return line + (isRejected ? "; configuration rejected, an earlier one is in force" : "")
  }

  /// A record a second is for a terminal, not for the journal.
  private var printsStatus: Bool { configuration.printsStatus && !isQuiet && !isAsked }
  /// Clients ask a service that the service manager gave its socket.
  private var isAsked: Bool { clients != nil && configuration.sockets.isEmpty }
  private let isQuiet = Journal.isStream(Journal.stream, 1)

  private func printStatus() {
    var records = registry.snapshot.filter(\.isWanted).map {
      let state = $0.state == .gone ? "gone" : ($0.objectState ?? .disconnected).rawValue
      return (name: $0.id, state: state, statistics: $0.statistics)
    }
    if let software {
      records.append((software.name, software.state.rawValue, software.statistics))
    }
    status.print(records)
  }

  private func logTotals() {
    for device in registry.snapshot where device.objectState != nil {
      let statistics = device.statistics
      journal.log(
        LogRecord(
          .info,
          "\(device.id): disconnected after \(counted(statistics.interrupts, "interrupt")), "
            + "\(counted(statistics.claimed, "dispatch", plural: "dispatches")) claimed",
          device: device.id, interrupts: statistics.interrupts))
    }
  }
}
