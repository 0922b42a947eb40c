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
  private let notices: NoticeBoard
  private let signals: FileDescriptor
  private let monitor: DeviceMonitor?
  private let second: FileDescriptor
  private var devices: [ServedDevice] = []
  /// The locks of the lock groups.
  private var locks: [String: InterruptLock] = [:]
  private var software: SoftwareService?
  private var lastCounts: [String: UInt64] = [:]
  private let started = cuio_nanoseconds()
  private var lastStatus = cuio_nanoseconds()

  /// Takes over SIGTERM and SIGINT of the calling thread; to be made before other threads.
  /// - Throws: `UIOError`.
  package init(_ configuration: ServiceConfiguration) throws(UIOError) {
    self.configuration = configuration
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
    if configuration.devices.isEmpty, configuration.files == nil {
      software = try SoftwareService(rate: configuration.softwareRate, notices: notices)
    }
    for device in configuration.devices {
      let served = ServedDevice(device, notices: notices)
      try served.start()
      devices.append(served)
    }
    if let files = configuration.files {
      for info in UIODeviceInfo.all() { _ = serveByFile(info, files) }
    }
    try controlLoop()
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
    }
  }

  private func wait(_ timeout: Int32) -> Set<Int32> {
    let watched = [
      signals.raw, second.raw, notices.descriptor, monitor?.descriptor, software?.descriptor,
    ]
    var polled = watched.compactMap { $0 }.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    guard unsafe poll(&polled, nfds_t(polled.count), timeout) > 0 else { return [] }
    return Set(polled.filter { $0.revents != 0 }.map(\.fd))
  }

  private func hear() {
    for notice in notices.take() { Console.say("\(notice.device): \(notice.report)") }
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
      Console.say("\(device.name): connected\(again ? " again" : "")")
    } catch { Console.say("\(error)") }
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
      Console.say("uio\(info.number) (\(id)): left alone, as no file is for it")
      return true
    }
    let device = ServedDevice(
      wanted, notices: notices, lock: wanted.settings.lockGroup.map { lock($0) })
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
    record(seconds: Double(now - lastStatus) / 1e9)
    lastStatus = now
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
    for device in devices { device.stop() }
    software?.stop()
    hear()
    lastCounts = [:]
    record(seconds: Double(cuio_nanoseconds() - started) / 1e9)
  }
}
