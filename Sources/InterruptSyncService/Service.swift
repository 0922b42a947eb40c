// The daemon's body: signals, devices that come and go, reports, clients, on one thread.
import CUIO
import DeviceInventory
import Glibc
import InterruptSync
import UIO
import Varlink

/// Runs on the thread that calls `run()`; each connected device adds a dispatcher thread.
package final class Service {
  private let configuration: ServiceConfiguration
  private let loop: EventLoop
  private let notices: NoticeBoard
  private let signals: FileDescriptor
  private let monitor: (devices: DeviceMonitor, socket: FileDescriptor)?
  private let registry: DeviceRegistry
  private var clients: ClientService?
  private var software: SoftwareService?
  private let status: StatusPrinter
  private var metrics: MetricsFile?

  /// Takes over SIGTERM, SIGINT and SIGHUP of the calling thread; to be made before other threads.
  /// - Throws: `UIOError`, `VarlinkError`.
  package init(_ configuration: ServiceConfiguration) throws {
    self.configuration = configuration
    loop = try EventLoop()
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
      named: configuration.devices, files: configuration.files, notices: notices)
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
    try watchEverything()
    if configuration.servesDevices { try registry.begin() }
    if configuration.hasSoftwareLine {
      let software = try SoftwareService(rate: configuration.softwareRate, notices: notices)
      try loop.watch(software.clock, for: .readable) { _ in software.tick() }
      self.software = software
    }
    try listen()
    startMetrics()
    if let duration = configuration.duration {
      loop.after(.nanoseconds(Int64(duration * 1e9))) { [loop] in loop.stop() }
    }
    if configuration.printsStatus {
      loop.after(.seconds(1), repeats: true) { [unowned self] in printStatus() }
    }
    try loop.run()
  }

  private func watchEverything() throws(VarlinkError) {
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

  private func listen() throws {
    guard !configuration.sockets.isEmpty || !configuration.listeners.isEmpty else { return }
    let clients = try ClientService(
      registry: registry, settings: configuration.files?.daemon ?? DaemonSettings(), loop: loop
    ) { [unowned self] () throws(ConfigurationError) in try reload() }
    for socket in configuration.listeners { try clients.server.listen(on: socket) }
    for path in configuration.sockets {
      try clients.server.listen(
        at: SocketAddress(path: path), mode: 0o664, group: AccessPolicy.number("uio"))
    }
    self.clients = clients
  }

  private func startMetrics() {
    guard let settings = configuration.files?.daemon, let path = settings.metricsTextfile else {
      metrics = nil
      return
    }
    metrics = MetricsFile(path, every: settings.metricsInterval, of: registry, on: loop)
  }

  /// All of it, or nothing: what is at fault leaves the old configuration as it was.
  private func reload() throws(ConfigurationError) {
    guard let read = configuration.read else { return }
    do throws(ConfigurationError) {
      let files = try read()
      registry.apply(files)
      clients?.settings = files.daemon
      Console.say("configuration read anew: \(files.devices.count) device files")
    } catch {
      Console.complain(error.description)
      throw error
    }
  }

  private func hear() {
    for notice in notices.take() {
      Console.say("\(notice.device): \(notice.report)")
      if let device = registry.device(notice.device) { registry.tell(.changed, device) }
    }
  }

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
    clients?.server.stop()
    for device in registry.devices { device.disconnect() }
    software?.stop()
    hear()
    if configuration.printsStatus {
      status.beginAgain()
      printStatus()
    }
    registry.end()
  }
}
