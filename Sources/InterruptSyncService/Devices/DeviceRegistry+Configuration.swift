// Devices room. What the configuration says of each device, and what a reload changes: devices
// whose part of it is unchanged are not touched. Service calls `apply`, clients' methods connect
// and disconnect, DeviceRegistry asks for a device's part. Control thread, with no lock held.
// Disconnecting takes the device's interrupt lock: a reload goes through `whenResponsive`, clients'
// methods ask `requireResponsive` first.
import InterruptSync
import UIO

extension DeviceRegistry {
  /// A configuration, and the name of the file that it came from.
  typealias Wanted = (configuration: DeviceConfiguration, file: String?)

  func configuration(for info: ManagedDeviceInfo) -> Wanted? {
    for configuration in named where info.isNamed(configuration.id, opener.sysfs) {
      return (configuration, nil)
    }
    guard let file = files?.file(for: info.properties) else { return nil }
    return (file.configuration(of: info.id, vector: info.vector), file.name)
  }

  /// The configuration of a software line; nil if no file makes it.
  private func softwareLine(_ name: String) -> Wanted? {
    guard let file = files?.devices.first(where: { $0.match.softwareLines.contains(name) }) else {
      return nil
    }
    return (file.configuration(of: name), file.name)
  }

  /// Makes a device that nothing services yet. Devices of one lock group share a lock.
  func made(_ id: String, _ info: ManagedDeviceInfo?, _ wanted: Wanted?) -> ManagedDevice {
    let lock = wanted?.configuration.settings.lockGroup.map { group in
      let lock = locks[group] ?? InterruptLock()
      locks[group] = lock
      return lock
    }
    let device = ManagedDevice(
      id: id, info: info, configuration: wanted?.configuration, file: wanted?.file, lock: lock,
      groups: groups, opener: opener
    ) { [report] in report(DeviceReport(device: id, report: $0)) }
    if disconnected.contains(id) { device.isWanted = false }
    return device
  }

  /// Replaces a device by one of another configuration; its counts continue.
  func replace(_ device: ManagedDevice, _ wanted: Wanted?, _ info: ManagedDeviceInfo?) {
    guard let index = devices.firstIndex(where: { $0 === device }) else { return }
    retire(device)
    device.endSubscriptions()
    let next = made(device.id, info, wanted)
    next.carried = device.statistics
    next.routineCounts = device.routineCounts
    next.software = device.software
    devices[index] = next
    serve(next)
    // A function has been replaced by its vectors if it is open.
    if devices.contains(where: { $0 === next }) { notify(.changed, next) }
  }

  // MARK: Reload

  /// Takes over a configuration that was read without a fault.
  func apply(_ files: ConfigurationSet) {
    self.files = files
    for device in devices {
      device.whenResponsive { [unowned self, unowned device] in reloaded(device) }
    }
    addSoftwareLines()
  }

  private func reloaded(_ device: ManagedDevice) {
    if device.isSoftware ? softwareLine(device.id) == nil : device.info == nil {
      remove(device)
    } else if device.isAttached {
      device.missedReload = true
    } else if let info = device.info, let function = info.function, !info.isFunction,
      needsOtherVectors(device, function)
    {
      remove(device)
      // The last one closes the function: it may be opened in another way now.
      if !devices.contains(where: { $0.isOf(function) }) { arrived(function) }
    } else {
      follow(device)
    }
  }

  /// Services a device as its file says now, without what clients had set.
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

  /// An attachment has ended: a reload that the device missed applies from now on.
  func attachmentEnded(_ device: ManagedDevice) {
    if device.missedReload {
      device.missedReload = false
      follow(device)
    }
    if let now = devices.first(where: { $0.id == device.id }) { notify(.changed, now) }
  }

  func remove(_ device: ManagedDevice) {
    retire(device)
    disconnected.remove(device.id)
    drop(device)
    device.releaseObject()
  }

  func addSoftwareLines() {
    for name in files?.devices.flatMap(\.match.softwareLines) ?? []
    where !devices.contains(where: { $0.id == name }) {
      do {
        let line = try SoftwareLine(name: name)
        let device = made(name, nil, softwareLine(name))
        device.software = line
        add(device)
      } catch { journal.log(LogRecord(Failure(error), event: .deviceFailed, device: name)) }
    }
  }

  // MARK: What clients set

  /// Stops servicing a device until a client connects it again, also over reloads and returns.
  func disconnect(_ device: ManagedDevice) {
    disconnected.insert(device.id)
    device.isWanted = false
    device.disconnect()
    notify(.changed, device)
  }

  /// Services a device from now on, whenever it is present.
  func keepConnected(_ device: ManagedDevice) {
    disconnected.remove(device.id)
    device.isWanted = true
  }
}
