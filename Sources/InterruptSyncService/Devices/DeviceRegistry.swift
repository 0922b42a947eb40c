// Every device and software line that the daemon knows, and what the configuration says of each.
import CUIO
import DeviceInventory
import InterruptSync
import UIO

/// The daemon's devices, by stable id. Only the control thread calls it.
final class DeviceRegistry {
  enum Change: String { case added, changed, removed }

  private(set) var devices: [ManagedDevice] = []
  /// Devices that were named on the command line come before every file.
  private let named: [DeviceConfiguration]
  private(set) var files: ConfigurationSet?
  private var locks: [String: InterruptLock] = [:]
  private let groups = DispatcherGroups()
  /// Devices that clients disconnected.
  private var disconnected: Set<String> = []
  private let notices: NoticeBoard
  private let supervision: Supervision
  private let journal: Journal
  private var observers: [Int: (Change, ManagedDevice) -> Void] = [:]
  private var nextObserver = 0

  init(
    named: [DeviceConfiguration], files: ConfigurationSet?, notices: NoticeBoard,
    supervision: Supervision, journal: Journal
  ) {
    self.named = named
    self.files = files
    self.notices = notices
    self.supervision = supervision
    self.journal = journal
  }

  /// The device that `text` means: id, node or name. nil: none, or several have the name.
  func device(_ text: String) -> ManagedDevice? {
    if let exact = devices.first(where: { $0.id == text }) { return exact }
    let called = devices.filter { $0.isCalled(text) }
    return called.count == 1 ? called[0] : nil
  }

  // MARK: Observing

  func observe(_ body: @escaping (Change, ManagedDevice) -> Void) -> Int {
    nextObserver += 1
    observers[nextObserver] = body
    return nextObserver
  }

  func endObserving(_ observer: Int) { observers[observer] = nil }

  func tell(_ change: Change, _ device: ManagedDevice) {
    // What one is told may end the observing of another.
    for observer in observers.keys.sorted() { observers[observer]?(change, device) }
  }

  // MARK: Coming and going

  /// Adds what is there at the start, and connects what is configured.
  /// - Throws: when a device that was named is not there or cannot be serviced.
  func begin() throws {
    addSoftwareLines()
    for info in UIODeviceInfo.all() { arrived(info) }
    for configuration in named {
      let info = try UIODeviceInfo.find(configuration.id)
      if let failure = device(info.stableID)?.failure { throw StartFailure(text: failure) }
    }
  }

  struct StartFailure: Error, CustomStringConvertible {
    let text: String
    var description: String { text }
  }

  func arrived(_ info: UIODeviceInfo) {
    if let known = devices.first(where: { $0.id == info.stableID }) {
      known.info = info
      // In the place of one that went there may be another, which another file is for.
      let wanted = configuration(for: info)
      if known.attachment == nil, known.configuration != wanted?.configuration {
        replace(known, wanted, info)
      } else {
        serve(known)
        tell(.changed, known)
      }
      return
    }
    add(made(info.stableID, info, configuration(for: info)))
  }

  func left(number: Int) {
    guard let device = devices.first(where: { $0.info?.number == number }) else { return }
    device.info = nil
    device.attachment?.finish()
    device.attachment = nil
    device.close()
    supervision.release(device.id)
    if device.isWanted {
      tell(.changed, device)
    } else {
      devices.removeAll { $0 === device }
      tell(.removed, device)
    }
  }

  private func add(_ device: ManagedDevice) {
    devices.append(device)
    // Whoever serves it later could not open it again.
    if let info = device.info { supervision.resume(info) }
    if device.configuration == nil, files?.devices.isEmpty == false {
      journal.log(
        .info, "\(device.id): left alone, as no file is for it", device: device.id)
    }
    serve(device)
    tell(.added, device)
  }

  /// Connects a device that is to be and can be.
  /// - Returns: why it could not.
  @discardableResult
  func serve(_ device: ManagedDevice) -> (any Error)? {
    guard device.isWanted, device.attachment == nil, !device.isConnected,
      device.info != nil || device.isSoftware
    else { return nil }
    let isBack = device.object != nil
    do {
      try device.connect()
      let interrupts = device.statistics.interrupts
      let isContinued = device.isContinued && !isBack
      let how = isContinued ? ", going on from \(interrupts) interrupts" : isBack ? " again" : ""
      journal.log(
        LogRecord(
          .info, "\(device.id): connected\(how)",
          event: isContinued ? .deviceContinued : .deviceConnected, device: device.id,
          interrupts: interrupts))
      return nil
    } catch {
      journal.log(
        .error, "\(error)", event: .deviceFailed, device: device.id, errno: Service.errno(of: error)
      )
      return error
    }
  }

  // MARK: Configuration

  private typealias Wanted = (configuration: DeviceConfiguration, file: String?)

  private func configuration(for info: UIODeviceInfo) -> Wanted? {
    for configuration in named where (try? UIODeviceInfo.find(configuration.id)) == info {
      return (configuration, nil)
    }
    guard let file = files?.file(for: DeviceIdentity(info)) else { return nil }
    let id = UIODeviceID.stable(info.stableID)
    return (
      DeviceConfiguration(id: id, settings: file.device, routines: file.routines), file.name
    )
  }

  private func made(_ id: String, _ info: UIODeviceInfo?, _ wanted: Wanted?) -> ManagedDevice {
    let lock = wanted?.configuration.settings.lockGroup.map { group in
      locks[group] ?? InterruptLock()
    }
    if let lock, let group = wanted?.configuration.settings.lockGroup { locks[group] = lock }
    let device = ManagedDevice(
      id: id, info: info, configuration: wanted?.configuration, file: wanted?.file, lock: lock,
      groups: groups, supervision: supervision
    ) { [notices] report in notices.post(id, report) }
    if disconnected.contains(id) { device.isWanted = false }
    return device
  }

  /// Puts a device of another configuration in the place of one; its counts go on.
  private func replace(_ device: ManagedDevice, _ wanted: Wanted?, _ info: UIODeviceInfo?) {
    guard let index = devices.firstIndex(where: { $0 === device }) else { return }
    device.close()
    device.endSubscriptions()
    let next = made(device.id, info, wanted)
    next.carried = device.statistics
    next.software = device.software
    devices[index] = next
    serve(next)
    tell(.changed, next)
  }

  /// Takes over a configuration that has been read in full. Devices whose part of it is as before
  /// are not touched.
  func apply(_ files: ConfigurationSet) {
    self.files = files
    for device in devices {
      if device.isSoftware ? softwareLine(device.id) == nil : device.info == nil {
        remove(device)
      } else if device.attachment != nil {
        device.missedReload = true
      } else {
        follow(device)
      }
    }
    addSoftwareLines()
  }

  /// Serves a device as its file says now, without what clients had set.
  private func follow(_ device: ManagedDevice) {
    let wanted =
      if let info = device.info { configuration(for: info) } else { softwareLine(device.id) }
    if device.configuration != wanted?.configuration || device.mode != nil || device.policy != nil {
      replace(device, wanted, device.info)
    } else {
      device.file = wanted?.file
      serve(device)
    }
  }

  /// An attachment has ended: what was read anew meanwhile counts from now on.
  func attachmentEnded(_ device: ManagedDevice) {
    if device.missedReload {
      device.missedReload = false
      follow(device)
    }
    if let now = devices.first(where: { $0.id == device.id }) { tell(.changed, now) }
  }

  /// Stops servicing a device until a client connects it again, whatever becomes of it meanwhile.
  func disconnect(_ device: ManagedDevice) {
    disconnected.insert(device.id)
    device.isWanted = false
    device.disconnect()
    tell(.changed, device)
  }

  /// Services a device from now on, whenever it is there.
  func keepConnected(_ device: ManagedDevice) {
    disconnected.remove(device.id)
    device.isWanted = true
  }

  private func remove(_ device: ManagedDevice) {
    device.attachment?.finish()
    device.attachment = nil
    device.close()
    disconnected.remove(device.id)
    devices.removeAll { $0 === device }
    tell(.removed, device)
  }

  /// What is configured of a software line; nil: no file makes it.
  private func softwareLine(_ name: String) -> Wanted? {
    guard let file = files?.devices.first(where: { $0.match.softwareLines.contains(name) }) else {
      return nil
    }
    return (
      DeviceConfiguration(id: .stable(name), settings: file.device, routines: file.routines),
      file.name
    )
  }

  private func addSoftwareLines() {
    for name in files?.devices.flatMap(\.match.softwareLines) ?? []
    where !devices.contains(where: { $0.id == name }) {
      do {
        let line = try SoftwareLine(name: name)
        let device = made(name, nil, softwareLine(name))
        device.software = line
        add(device)
      } catch { journal.log(.error, "\(error)", event: .deviceFailed, device: name) }
    }
  }

  /// Disconnects everything; lines are left masked.
  func end() {
    for device in devices {
      device.attachment?.finish()
      device.attachment = nil
      device.close(forgets: false)
    }
  }
}

/// The threads that several devices share. Each lasts as long as an object has it; only the control
/// thread uses this.
final class DispatcherGroups {
  private struct Entry {
    let name: String
    let attributes: DispatcherAttributes
    weak var group: DispatcherGroup?
  }

  private var entries: [Entry] = []

  /// The group of this name whose thread has these attributes; a new one when there is none.
  /// - Parameter report: told what the system refuses to a new one's thread.
  /// - Throws: `resourcesExhausted`.
  func group(
    _ name: String, _ attributes: DispatcherAttributes, report: @escaping (InterruptReport) -> Void
  ) throws(InterruptSyncError) -> DispatcherGroup {
    entries.removeAll { $0.group == nil }
    let entry = entries.first { $0.name == name && $0.attributes == attributes }
    if let group = entry?.group { return group }
    let group = try DispatcherGroup(name: name, attributes: attributes, report: report)
    entries.append(Entry(name: name, attributes: attributes, group: group))
    return group
  }
}
