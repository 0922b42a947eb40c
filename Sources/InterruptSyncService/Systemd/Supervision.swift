// The daemon and its service manager: readiness, the watchdog, and what outlives the process.
import CUIO
import Glibc
import InterruptSync
import UIO

/// Keeps devices and totals over restarts and tells the manager how the daemon is. Only the control
/// thread calls it.
final class Supervision {
  private let manager: ServiceManager
  private let journal: Journal
  private let inherited: InheritedDescriptors
  private var watchdog: Watchdog?
  /// Readable when the watchdog is to be looked after; nil without one.
  let clock: FileDescriptor?
  /// Where a socket for clients may be made, should none be inherited; nil without a manager.
  let runtimeFolder: String?
  private var state: StateFile?
  /// As saved last, with those of devices that only an earlier process served.
  private var totals: [String: DeviceTotals] = [:]
  private var hasFailedToSave = false

  /// - Throws: `resourcesExhausted`.
  init(_ environment: ServiceEnvironment, journal: Journal) throws(UIOError) {
    manager = ServiceManager(environment)
    self.journal = journal
    runtimeFolder = environment.hasManager ? environment["RUNTIME_DIRECTORY"] : nil
    inherited = InheritedDescriptors(environment)
    watchdog = Watchdog(environment)
    clock = try watchdog.map { watchdog throws(UIOError) in
      let fd = cuio_timer_create(watchdog.interval)
      guard fd >= 0 else {
        throw UIOError(
          .resourcesExhausted, device: "interruptsyncd", operation: "feed the watchdog",
          cause: "no clock to be had", errno: -fd)
      }
      return FileDescriptor(adopting: fd)
    }
    if manager.isPresent { try openState() }
    inherited.discard(from: manager) { $0.isDevice || $0 == .varlink }
  }

  private func openState() throws(UIOError) {
    if let file = inherited.take(.state).first {
      do throws(StateFault) {
        let (state, devices) = try StateFile.inherit(file)
        self.state = state
        totals = Dictionary(devices.map { ($0.id, $0) }) { first, _ in first }
        return
      } catch {
        journal.log(
          .warning, "the totals of before are not used: \(error)", event: .stateRefused)
        manager.remove(.state)
      }
    }
    let new = try StateFile()
    state = new
    manager.store([new.file], as: .state)
  }

  // MARK: Devices

  /// Opens a device, with the descriptors of an earlier process where they are still good.
  /// - Throws: what opening throws.
  func open(_ info: UIODeviceInfo) throws(UIOError) -> Inheritance {
    guard let name = StoredName.device(info.stableID) else {
      return Inheritance(device: try UIODevice(info))
    }
    let files = inherited.take(name)
    for node in files {
      guard
        let (device, taken) = UIODevice.inherit(
          node, counted: totals[info.stableID]?.count, info)
      else { continue }
      let configuration = files.first { $0.isFile(at: "\(info.parentFolder)/config") }
      return Inheritance(
        device: device, configuration: configuration, taken: taken, isContinued: true)
    }
    if !files.isEmpty { manager.remove(name) }
    return Inheritance(device: try UIODevice(info))
  }

  /// What was counted of a device before, by this process or an earlier one.
  func totals(of id: String) -> InterruptStatistics? { totals[id]?.statistics }

  /// Has the manager keep what is needed to go on with a device. Before its first interrupt; the
  /// totals first, so that descriptors are never found without the count they go with.
  ///
  /// - Parameter isContinued: the manager has them already.
  func keep(_ totals: DeviceTotals, _ line: UIOLine, isContinued: Bool) {
    save([totals])
    let id = totals.id
    guard let name = StoredName.device(id) else { return }
    // What is left of an earlier instance.
    if !isContinued { manager.remove(name) }
    var result = manager.store([line.device.file], as: name)
    // Files of sysfs seem to be in error until they are read for the first time.
    if let configuration = line.configuration {
      let second = manager.store([configuration], as: name, isWatched: false)
      if result == 0 { result = second }
    }
    guard result != 0 else { return }
    journal.log(
      .warning,
      "\(id): the service manager does not keep it over a restart (\(Errno.name(result)))",
      device: id, errno: result)
  }

  /// Has the manager close the descriptors of a device that has gone or is served no more.
  func forget(_ id: String) { StoredName.device(id).map(manager.remove) }

  // MARK: The process

  func ready(_ status: String) {
    for name in inherited.discard(from: manager, except: { $0 == .varlink }) {
      journal.log(.notice, "\(name): inherited, and not served any more")
    }
    guard manager.isPresent else { return }
    manager.ready(status)
    journal.log(.info, "ready: \(status)", event: .ready)
  }

  func status(_ text: String) { manager.status(text) }

  /// The sockets for clients that the manager opened.
  var listeners: [FileDescriptor] { inherited.take(.varlink) }

  func reloading() { manager.reloading() }
  func reloaded(_ status: String) { manager.ready(status) }

  func stopping() {
    guard manager.isPresent else { return }
    manager.stopping("stopping")
    journal.log(.info, "stopping", event: .stopping)
  }

  func failed(_ message: String, errno: Int32) { manager.failed(message, errno: errno) }

  /// Writes totals down, with those of the devices that are not among them.
  func save(_ devices: [DeviceTotals]) {
    for device in devices { totals[device.id] = device }
    guard let state else { return }
    let result = state.save(totals.values.sorted { $0.id < $1.id })
    if result != 0, !hasFailedToSave {
      journal.log(
        .warning, "the totals cannot be kept over a restart (\(Errno.name(result)))",
        event: .stateRefused, errno: result)
    }
    hasFailedToSave = result != 0
  }

  /// Feeds the watchdog, if every dispatcher of `beats` made progress.
  func lookAfterWatchdog(_ beats: [String: UInt64]) {
    guard let clock, cuio_timer_read(clock.raw) > 0 else { return }
    switch watchdog?.look(at: beats, now: cuio_nanoseconds()) {
    case .healthy: manager.feedWatchdog()
    case .stalled(let new):
      for device in new {
        journal.log(
          .critical,
          "\(device): its dispatcher makes no progress: a service routine does not return, or the interrupt lock is not given back\n  hint: the watchdog will end the daemon",
          event: .dispatcherStalled, device: device)
      }
    case nil: break
    }
  }
}
