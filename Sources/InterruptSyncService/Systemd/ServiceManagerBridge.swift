// The daemon and its service manager: readiness, the watchdog, and what outlives the process.
import CUIO
import Glibc
import InterruptSync
import Synchronization
import UIO

/// Keeps devices and totals over restarts and tells the manager how the daemon is. Only the control
/// thread calls it.
final class Supervision {
  private let manager: ServiceManager
  private let journal: Journal
  private let inherited: InheritedDescriptors
  private let sysfs: Sysfs
  private var watchdog: Watchdog?
  /// Readable when the watchdog is to be looked after; nil without one.
  let clock: FileDescriptor?
  /// Where a socket for clients may be made, should none be inherited; nil without a manager.
  let runtimeFolder: String?
  private var state: StateFile?
  /// As saved last, with those of devices that only an earlier process served.
  private var totals: [String: DeviceTotals] = [:]
  private var hasFailedToSave = false
  /// Devices whose descriptors were handed in, by stable id, while they are there.
  private var adopted: [String: Inheritance] = [:]

  /// - Parameters:
  ///   - inherited: tests pass descriptors of their own.
  ///   - sysfs: where devices are looked for; tests pass a copy.
  /// - Throws: `resourcesExhausted`.
  init(
    _ environment: ServiceEnvironment, journal: Journal, inherited: InheritedDescriptors? = nil,
    sysfs: Sysfs = .system
  ) throws(UIOError) {
    self.sysfs = sysfs
    manager = ServiceManager(environment)
    self.journal = journal
    runtimeFolder = environment.hasManager ? environment["RUNTIME_DIRECTORY"] : nil
    self.inherited = inherited ?? InheritedDescriptors(environment)
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
    self.inherited.discard(from: manager) { $0.isDevice || $0.isSocket }
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

  /// Opens a device, with descriptors that were handed in, or those of an earlier process, where
  /// they are still good.
  /// - Throws: what opening throws.
  func open(_ info: UIODeviceInfo) throws(UIOError) -> Inheritance {
    let id = info.stableID
    resume(info)
    if let device = adopted[id] {
      // What is told is told once.
      adopted[id] = Inheritance(device: device.device, configuration: device.configuration)
      return device
    }
    if let continued = inherit(.device(id), info) { return continued }
    return Inheritance(device: try UIODevice(info, sysfs: sysfs))
  }

  /// What an earlier process left under a name, if it is of the device that is there.
  private func inherit(_ name: StoredName?, _ info: UIODeviceInfo) -> Inheritance? {
    guard let name else { return nil }
    let files = inherited.take(name)
    for node in files {
      guard
        let (device, taken) = UIODevice.inherit(
          node, counted: totals[info.stableID]?.count, info, sysfs: sysfs)
      else { continue }
      let configuration = files.first { $0.isFile(at: "\(info.parentFolder)/config") }
      return Inheritance(
        device: device, configuration: configuration, taken: taken, isContinued: true)
    }
    if !files.isEmpty { manager.remove(name) }
    return nil
  }

  /// Goes on with what an earlier process was handed of a device, whether or not it is serviced.
  func resume(_ info: UIODeviceInfo) {
    let id = info.stableID
    if let known = adopted[id], !known.device.isAlive { release(id) }
    if adopted[id] == nil { adopted[id] = inherit(.adopted(id), info) }
  }

  /// Takes over descriptors of a device that is not open: they are used from now on for as long as
  /// it is there, and kept by the manager like others.
  /// - Returns: the kernel's count from which is told.
  /// - Throws: when they are not what they are said to be; nothing has changed then.
  func adopt(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo
  ) throws(Inheritance.Refusal) -> UInt32 {
    let device = try Inheritance.adopting(
      node: node, configuration: configuration, of: info, sysfs: sysfs)
    let id = info.stableID
    forget(id)
    release(id)
    adopted[id] = device
    let count = device.device.total.load(ordering: .relaxed)
    // The count goes with the descriptor.
    totals[id]?.count = count
    save([])
    if let name = StoredName.adopted(id) {
      store(node: node, configuration: configuration, as: name, of: id)
    }
    return count
  }

  /// Lets go of descriptors that were handed in: their device has gone.
  func release(_ id: String) {
    guard adopted.removeValue(forKey: id) != nil else { return }
    StoredName.adopted(id).map(manager.remove)
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
    // Those that were handed in are kept already.
    guard adopted[id] == nil, let name = StoredName.device(id) else { return }
    // What is left of an earlier instance.
    if !isContinued { manager.remove(name) }
    store(node: line.device.file, configuration: line.configuration, as: name, of: id)
  }

  private func store(
    node: FileDescriptor, configuration: FileDescriptor?, as name: StoredName, of id: String
  ) {
    var result = manager.store([node], as: name)
    // Files of sysfs seem to be in error until they are read for the first time.
    if let configuration {
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
    for name in inherited.discard(from: manager, except: { $0.isSocket }) {
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
