// Systemd room. The daemon's side of the service manager: readiness, the watchdog, sockets that it
// opened, and the descriptors, totals and configuration that it keeps over a restart. Service makes
// it and calls it each second; DeviceOpener and VFIOFunctions store and take descriptors, by name.
// The bridge does not know which of them are a device's: DeviceOpener and, for functions of VFIO,
// VFIODevice decide. Control thread; no lock.
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import UIO

/// Connects the daemon and its service manager. Without a manager every call does nothing.
final class ServiceManagerBridge {
  private let manager: ServiceManager
  private let journal: Journal
  private let inherited: InheritedDescriptors
  private var watchdog: Watchdog?
  /// Readable when the watchdog is due; nil without one.
  let watchdogTimer: FileDescriptor?
  /// The folder for the daemon's own socket if it inherits none; nil without a manager.
  let runtimeFolder: String?
  private var state: StateFile?
  /// As saved last, including devices that only an earlier process serviced.
  private var totals: [String: DeviceTotals] = [:]
  /// Their ids, those last that have not been serviced for the longest time.
  private var order: [String] = []
  private var hasFailedToSave = false
  /// The manager has a configuration, maybe of an earlier process.
  private var keepsConfiguration: Bool

  /// - Parameter inherited: tests pass descriptors of their own.
  /// - Throws: `resourcesExhausted`.
  init(
    _ environment: ServiceEnvironment, journal: Journal, inherited: InheritedDescriptors? = nil
  ) throws(UIOError) {
    manager = ServiceManager(environment)
    self.journal = journal
    runtimeFolder = environment.hasManager ? environment["RUNTIME_DIRECTORY"] : nil
    self.inherited = inherited ?? InheritedDescriptors(environment)
    keepsConfiguration = !self.inherited.take(.configuration).isEmpty
    watchdog = Watchdog(environment)
    watchdogTimer = try watchdog.map { watchdog throws(UIOError) in
      let fd = linux_timer_create(watchdog.interval)
      guard fd >= 0 else {
        throw UIOError(
          .resourcesExhausted, device: "interruptsyncd", operation: "feed the watchdog",
          cause: "cannot create a timer",
          hint: UIOOperation.limitHint, errno: -fd)
      }
      return FileDescriptor(adopting: fd)
    }
    if manager.isPresent { try openState() }
    self.inherited.discard(from: manager) { $0.isDevice || $0.isSocket }
  }

  private func openState() throws(UIOError) {
    if let file = inherited.take(.state).first {
      do throws(StateFault) {
        let (state, devices) = try StateFile.inherit(file)
        self.state = state
        totals = Dictionary(devices.map { ($0.id, $0) }) { first, _ in first }
        order = devices.map(\.id)
        return
      } catch {
        journal.log(
          .warning, "saved totals ignored: \(error)", event: .stateRefused)
        manager.remove(.state)
      }
    }
    let new = try StateFile()
    state = new
    manager.store([new.file], as: .state)
  }

  // MARK: Descriptors

  /// The sockets for clients that the manager opened.
  var listeners: [FileDescriptor] { inherited.take(.varlink) }

  /// Gives away what an earlier process stored under a name.
  func takeInherited(_ name: StoredName) -> [FileDescriptor] { inherited.take(name) }

  /// Whether an earlier process stored anything under a name that begins like this.
  func hasInherited(from name: StoredName) -> Bool {
    inherited.names.contains { "\($0)".hasPrefix("\(name)") }
  }

  /// Stores a device's descriptors for the next process. A failure is logged: the daemon services
  /// the device all the same.
  func store(
    node: FileDescriptor, configuration: FileDescriptor?, as name: StoredName, of id: String
  ) {
    var result = manager.store([node], as: name)
    // poll(2) reports files of sysfs as failed until they are read for the first time.
    if let configuration {
      let second = manager.store([configuration], as: name, isWatched: false)
      if result == 0 { result = second }
    }
    report(result, of: id)
  }

  /// Stores one of a device's descriptors that poll(2) says nothing about.
  func store(_ file: FileDescriptor, as name: StoredName, of id: String) {
    report(manager.store([file], as: name, isWatched: false), of: id)
  }

  private func report(_ result: Int32, of id: String) {
    guard result != 0 else { return }
    journal.log(
      .warning,
      "\(id): the service manager cannot keep the device over a restart (\(Errno.name(result)))",
      device: id, errno: result)
  }

  /// Has the manager close the descriptors of a name.
  func remove(_ name: StoredName) { manager.remove(name) }

  // MARK: The configuration

  /// Has the manager keep an accepted configuration in place of the one before; nil: none.
  func keep(configuration text: String?) {
    guard manager.isPresent else { return }
    if keepsConfiguration { manager.remove(.configuration) }
    keepsConfiguration = false
    guard let text else { return }
    var result: Int32
    do throws(SystemError) {
      result = manager.store([try KeptConfiguration.file(text)], as: .configuration)
    } catch { result = error.number }
    keepsConfiguration = result == 0
    guard result != 0 else { return }
    journal.log(
      .warning,
      "the service manager cannot keep the configuration over a restart (\(Errno.name(result)))",
      event: .stateRefused, errno: result)
  }

  // MARK: Totals

  /// What this process or an earlier one counted of a device.
  func totals(of id: String) -> InterruptStatistics? { totals[id]?.statistics }

  /// The kernel's count up to which a device's totals go.
  func count(of id: String) -> UInt32? { totals[id]?.count }

  /// Records that a device has another descriptor, which starts at `count`.
  func restartCount(of id: String, at count: UInt32) {
    totals[id]?.count = count
    save([])
  }

  /// Writes totals down, together with those of all other devices.
  func save(_ devices: [DeviceTotals]) {
    for device in devices { totals[device.id] = device }
    let present = Set(devices.map(\.id))
    order = devices.map(\.id) + order.filter { !present.contains($0) }
    guard let state else { return }
    let (saved, error) = state.save(order.compactMap { totals[$0] })
    if error == 0 { forget(order.dropFirst(max(saved, devices.count))) }
    let result = error == 0 && saved < devices.count ? ENOSPC : error
    if result != 0, !hasFailedToSave {
      journal.log(
        .warning, "cannot save the totals for a restart (\(Errno.name(result)))",
        event: .stateRefused, errno: result)
    }
    hasFailedToSave = result != 0
  }

  /// There is no room for devices that have not come for longer than all others.
  private func forget(_ ids: ArraySlice<String>) {
    for id in ids { totals[id] = nil }
    order.removeLast(ids.count)
  }

  // MARK: The process

  /// Reports that start-up is complete, and closes inherited descriptors that no device took.
  func ready(_ status: String) {
    for name in inherited.discard(from: manager, except: { $0.isSocket }) {
      journal.log(.notice, "\(name): inherited, but no device uses it; closed")
    }
    guard manager.isPresent else { return }
    manager.ready(status)
    journal.log(.info, "ready: \(status)", event: .ready)
  }

  func status(_ text: String) { manager.status(text) }

  /// Sends what the manager had no room for. Service calls it each second.
  func sendWaiting() { manager.sendWaiting() }
  /// The same at the end, and waits for room.
  func finish() { manager.finish() }

  func reloading() { manager.reloading() }
  func reloaded(_ status: String) { manager.ready(status) }

  func stopping() {
    guard manager.isPresent else { return }
    manager.stopping("stopping")
    journal.log(.info, "stopping", event: .stopping)
  }

  func failed(_ message: String, errno: Int32) { manager.failed(message, errno: errno) }

  /// Feeds the watchdog if every dispatcher of `beats` made progress.
  func checkWatchdog(_ beats: [String: UInt64]) {
    guard let watchdogTimer, linux_timer_read(watchdogTimer.raw) > 0 else { return }
    switch watchdog?.check(beats, now: linux_nanoseconds()) {
    case .healthy: manager.feedWatchdog()
    case .stalled(let new):
      for device in new {
        journal.log(
          LogRecord(
            .critical,
            "\(device): its dispatcher makes no progress: a service routine does not return, or a thread does not release the interrupt lock",
            hint: "fix the routine; the watchdog is about to restart the daemon",
            event: .dispatcherStalled, device: device))
      }
    case nil: break
    }
  }
}
