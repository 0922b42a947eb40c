// The daemon's control thread: signals, devices that come and go, reports, and a status once a
// second.
import CUIO
import DeviceInventory
import Glibc
import InterruptSync
package import UIO

/// The daemon's body. Runs on the thread that calls `run()`; each connected device adds a
/// dispatcher thread.
package final class Service {
  private let configuration: ServiceConfiguration
  private let journal: Journal
  private let supervision: Supervision
  private let notices: NoticeBoard
  private let signals: FileDescriptor
  private let monitor: DeviceMonitor?
  private let second: FileDescriptor
  private var devices: [ServedDevice] = []
  /// The locks of the lock groups.
  private var locks: [String: InterruptLock] = [:]
  private var software: SoftwareService?
  private var lastCounts: [String: UInt64] = [:]
  /// The journal is no place for a record a second.
  private let isQuiet = Journal.isStream(Journal.stream, 1)
  private let started = cuio_nanoseconds()
  private var lastStatus = cuio_nanoseconds()

  /// Takes over SIGTERM and SIGINT of the calling thread; to be made before other threads.
  /// - Throws: `UIOError`.
  package init(
    _ configuration: ServiceConfiguration,
    environment: ServiceEnvironment = ServiceEnvironment(), journal: Journal = .standard
  ) throws(UIOError) {
    self.configuration = configuration
    self.journal = journal
    if let files = configuration.files { journal.admit(files.daemon.logLevel) }
    supervision = try Supervision(environment, journal: journal)
    notices = try NoticeBoard()
    let caught = [SIGTERM, SIGINT]
    signals = try Self.adopt(unsafe cuio_signal_create(caught, caught.count))
    second = try Self.adopt(cuio_timer_create(1_000_000_000))
    let hasDevices = !configuration.devices.isEmpty || configuration.files != nil
    monitor = hasDevices ? try DeviceMonitor() : nil
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
  /// - Throws: `UIOError` or `InterruptSyncError` when a device that was named cannot be served.
  package func run() throws {
    defer { end() }
    do { try startAll() } catch {
      supervision.failed("\(error)", errno: Self.errno(of: error))
      throw error
    }
    supervision.ready(statusLine)
    try controlLoop()
  }

  private static func errno(of error: any Error) -> Int32 {
    switch error {
    case let error as UIOError: error.errno
    case let error as InterruptSyncError: error.errno
    default: 0
    }
  }

  private func startAll() throws {
    if configuration.devices.isEmpty, configuration.files == nil {
      software = try SoftwareService(rate: configuration.softwareRate, notices: notices)
    }
    for device in configuration.devices {
      let served = ServedDevice(device, notices: notices, supervision: supervision)
      try served.start()
      devices.append(served)
    }
    if let files = configuration.files {
      for info in UIODeviceInfo.all() { _ = serveByFile(info, files) }
    }
  }

  private func controlLoop() throws {
    let end = configuration.duration.map { cuio_nanoseconds() + UInt64($0 * 1e9) }
    while true {
      let now = cuio_nanoseconds()
      if let end, now >= end { return }
      let timeout = end.map { Int32(clamping: ($0 - now) / 1_000_000 + 1) } ?? -1
      let ready = wait(timeout)
      if ready.contains(signals.raw), cuio_signal_read(signals.raw) > 0 { return }
      if let software, ready.contains(software.descriptor) { software.tick() }
      if ready.contains(notices.descriptor) { hear() }
      if let monitor, ready.contains(monitor.descriptor) { follow(monitor.receive()) }
      if ready.contains(second.raw), cuio_timer_read(second.raw) > 0 { status() }
      if let clock = supervision.watchdogDescriptor, ready.contains(clock) { lookAfterWatchdog() }
    }
  }

  private func wait(_ timeout: Int32) -> Set<Int32> {
    let watched = [
      signals.raw, second.raw, notices.descriptor, monitor?.descriptor, software?.descriptor,
      supervision.watchdogDescriptor,
    ]
    var polled = watched.compactMap { $0 }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard unsafe poll(&polled, nfds_t(polled.count), timeout) > 0 else { return [] }
    return Set(polled.filter { $0.revents != 0 }.map(\.fd))
  }

  private func hear() {
    for (name, report) in notices.take() {
      let device = devices.first { $0.name == name }
      let interrupts = device?.statistics.interrupts ?? software?.statistics.interrupts ?? 0
      journal.log(LogRecord(report, device: name, interrupts: interrupts))
      // Not when it is back already: its descriptors of now have the same name.
      if let device, !device.isConnected, let id = device.stableID { supervision.forget(id) }
    }
  }

  private func lookAfterWatchdog() {
    var beats: [String: UInt64] = [:]
    for device in devices { beats[device.name] = device.heartbeat }
    beats[SoftwareService.name] = software?.heartbeat
    supervision.lookAfterWatchdog(beats)
  }

  /// A device that was served and comes back is served again, whatever number it gets.
  private func follow(_ events: [DeviceEvent]) {
    for case .added(let info) in events {
      if let files = configuration.files, serveByFile(info, files) { continue }
      for device in devices where !device.isConnected {
        if (try? device.isInstance(info)) == true { start(device, again: true) }
      }
    }
  }

  private func start(_ device: ServedDevice, again: Bool) {
    do {
      try device.start()
      let (event, how): (JournalEvent, String) =
        device.isContinued
        ? (.deviceContinued, ", going on from \(device.statistics.interrupts) interrupts")
        : (.deviceConnected, "")
      journal.log(
        LogRecord(
          .info, "\(device.name): connected\(again ? " again" : "")\(how)", event: event,
          device: device.name, interrupts: device.statistics.interrupts))
    } catch {
      journal.log(
        .error, "\(error)", event: .deviceFailed, device: device.name, errno: Self.errno(of: error))
    }
  }

  /// Serves a device that has come as the files say, unless it is known already. In the place of
  /// one that went there may be another, which another file is for. False: it is known.
  private func serveByFile(_ info: UIODeviceInfo, _ files: ConfigurationSet) -> Bool {
    let id = UIODeviceID.stable(info.stableID)
    let wanted = files.file(for: DeviceIdentity(info)).map {
      DeviceConfiguration(id: id, settings: $0.device, routines: $0.routines)
    }
    if let known = devices.firstIndex(where: { $0.configuration.id == id }) {
      if devices[known].configuration == wanted { return false }
      devices.remove(at: known).stop()
    }
    guard let wanted else {
      journal.log(
        .info, "uio\(info.number) (\(id)): left alone, as no file is for it", device: "\(id)")
      return true
    }
    let device = ServedDevice(
      wanted, notices: notices, supervision: supervision,
      lock: wanted.settings.lockGroup.map { lock($0) })
    devices.append(device)
    start(device, again: false)
    return true
  }

  /// The lock that the devices of a lock group share.
  private func lock(_ group: String) -> InterruptLock {
    if let lock = locks[group] { return lock }
    let lock = InterruptLock()
    locks[group] = lock
    return lock
  }

  private func status() {
    let now = cuio_nanoseconds()
    if !isQuiet { record(seconds: Double(now - lastStatus) / 1e9) }
    lastStatus = now
    supervision.save(devices.compactMap(\.totals))
    supervision.status(statusLine)
    journal.settle()
  }

  /// For the service manager.
  private var statusLine: String {
    if software != nil { return "a software line is serviced" }
    if devices.isEmpty { return "no device that is configured is there" }
    let connected = devices.count { $0.isConnected }
    let storming = devices.count { $0.state == .storming }
    return "\(connected) of \(devices.count) devices serviced"
      + (storming > 0 ? ", \(storming) storming" : "")
  }

  /// One record per device; `seconds` is what the rates are over.
  private func record(seconds: Double) {
    var records = devices.map { ($0.name, $0.state, $0.statistics) }
    if let software { records.append((software.name, software.state, software.statistics)) }
    for (name, state, statistics) in records {
      let before = lastCounts.updateValue(statistics.interrupts, forKey: name) ?? 0
      let rate =
        Double(statistics.interrupts - min(before, statistics.interrupts)) / max(seconds, 0.001)
      let record = StatusRecord(
        device: name, state: state.rawValue, statistics: statistics, rate: rate)
      Console.out(configuration.isJSON ? record.json : record.line)
    }
  }

  /// Disconnects, and gives the totals with the mean rates of the whole run.
  private func end() {
    supervision.stopping()
    for device in devices { device.stop() }
    software?.stop()
    hear()
    lastCounts = [:]
    if !isQuiet { return record(seconds: Double(cuio_nanoseconds() - started) / 1e9) }
    for device in devices {
      let statistics = device.statistics
      journal.log(
        LogRecord(
          .info,
          "\(device.name): disconnected after \(statistics.interrupts) interrupts, \(statistics.claimed) dispatches claimed",
          device: device.name, interrupts: statistics.interrupts))
    }
  }
}
