// Devices room. Opens devices: with descriptors that an administrator handed in, with those that an
// earlier process left with the service manager, or from their nodes. ManagedDevice+Service and
// DeviceRegistry call it. Only here does the daemon decide whether a descriptor of a UIO device
// that it did not open is the device's; those of functions of VFIO come through VFIOFunctions, and
// VFIODevice checks them on `vfio-opener`. Control thread; no lock.
import DeviceIdentity
import InterruptSync
import LinuxSystem
import Synchronization
import UIO
import VFIO

/// An open device, and what an earlier process left of it.
struct RestoredDevice {
  let device: UIODevice
  /// The PCI configuration space, if it came with the node.
  var configuration: FileDescriptor?
  /// Interrupts that the earlier process took and did not account for.
  var taken: UInt32 = 0
  /// True if an earlier process's descriptor continues.
  var isContinued = false
}

/// Why descriptors that were handed in are not the device's.
struct AdoptionError: Error, Equatable, CustomStringConvertible {
  /// The parameter of `AdoptDevice`.
  let parameter: String
  let cause: String
  let hint: String
  var description: String { cause }
}

/// Opens devices and has the service manager keep what a restart needs.
final class DeviceOpener {
  private let manager: ServiceManagerBridge
  let sysfs: Sysfs
  let functions: VFIOFunctions
  /// Devices whose descriptors were handed in, by stable id, while the device is present.
  private var adopted: [String: RestoredDevice] = [:]

  /// - Parameters:
  ///   - sysfs: tests pass a copy.
  ///   - functions: nil: a report of theirs goes nowhere.
  init(
    _ manager: ServiceManagerBridge, sysfs: Sysfs = .system, functions: VFIOFunctions? = nil
  ) {
    self.manager = manager
    self.sysfs = sysfs
    self.functions = functions ?? VFIOFunctions(manager, sysfs: sysfs) { _ in }
  }

  // MARK: Opening

  /// Opens the line of a device that is present.
  /// - Throws: what opening throws.
  func line(
    _ info: ManagedDeviceInfo, _ settings: DeviceSettings
  ) throws(UIOError) -> OpenedLine {
    switch info.origin {
    case .uio(let info):
      let opened = try open(info)
      let line = try UIOLine(
        opened.device, strategy: settings.rearm, configuration: opened.configuration)
      return OpenedLine(
        line: line, regions: DeviceRegions(opened.device), taken: opened.taken,
        isContinued: opened.isContinued)
    case .vector(let function, _, let vector):
      return try functions.line(function, vector, settings)
    case .function(let function):
      throw UIOError(
        .noInterrupt, device: function.stableID, operation: "connect",
        cause: "a device of vfio-pci is serviced by its vectors",
        hint: "name a vector, for instance \(function.stableID)/msix0")
    }
  }

  /// Opens a device with descriptors that were handed in, else with those of an earlier process if
  /// they are still the device's, else from its node.
  /// - Throws: what opening throws; `ambiguous` if the id is another present device's as well.
  func open(_ info: UIODeviceInfo) throws(UIOError) -> RestoredDevice {
    try info.requireOwnID(sysfs)
    let id = info.stableID
    restoreAdopted(info)
    if let device = adopted[id] {
      // What the earlier process left to account for is reported once.
      adopted[id] = RestoredDevice(device: device.device, configuration: device.configuration)
      return device
    }
    if let continued = restore(.device(id), info) { return continued }
    return RestoredDevice(device: try UIODevice(info, sysfs: sysfs))
  }

  /// Takes over the descriptors that an earlier process was handed for a device, serviced or not:
  /// the daemon could not open the device again.
  func restoreAdopted(_ info: UIODeviceInfo) {
    let id = info.stableID
    if let known = adopted[id], !known.device.isAlive { releaseAdopted(id) }
    if adopted[id] == nil { adopted[id] = restore(.adopted(id), info, isShared: true) }
  }

  /// What an earlier process left under a name, if it is of the device that is present.
  private func restore(
    _ name: StoredName?, _ info: UIODeviceInfo, isShared: Bool = false
  ) -> RestoredDevice? {
    guard let name else { return nil }
    let files = manager.takeInherited(name)
    for node in files {
      guard
        let (device, taken) = UIODevice.inherit(
          node, counted: manager.count(of: info.stableID), info, isShared: isShared, sysfs: sysfs)
      else { continue }
      let configuration = files.first { $0.isFile(at: "\(info.parentFolder)/config") }
      return RestoredDevice(
        device: device, configuration: configuration, taken: taken, isContinued: true)
    }
    if !files.isEmpty { manager.remove(name) }
    return nil
  }

  // MARK: Keeping

  /// Has the service manager keep what the next process needs to continue with a device. Call it
  /// before the device's first interrupt. The totals go first, so that stored descriptors always
  /// come with the count that they belong to.
  ///
  /// - Parameter isContinued: the manager has the descriptors already.
  func keep(_ totals: DeviceTotals, _ line: any ManagedLine, isContinued: Bool) {
    manager.save([totals])
    let id = totals.id
    if let line = line as? VFIOLine { return functions.keep(line, isContinued: isContinued) }
    guard let line = line as? UIOLine else { return }
    // Descriptors that were handed in are stored under a name of their own.
    guard adopted[id] == nil, let name = StoredName.device(id) else { return }
    // Removes what is left of an earlier instance.
    if !isContinued { manager.remove(name) }
    manager.store(node: line.device.file, configuration: line.configuration, as: name, of: id)
  }

  /// What this process or an earlier one counted of a device.
  func totals(of id: String) -> InterruptStatistics? { manager.totals(of: id) }

  /// Writes a device's totals down for the next process.
  func save(_ totals: DeviceTotals) { manager.save([totals]) }

  /// Has the service manager close the descriptors of a device that was removed or is no longer
  /// serviced.
  func forget(_ id: String) {
    let isVector = id.contains("/")
    (isVector ? StoredName.vector(id) : StoredName.device(id)).map(manager.remove)
  }

  /// Closes descriptors that were handed in, because their device was removed.
  func releaseAdopted(_ id: String) {
    guard adopted.removeValue(forKey: id) != nil else { return }
    StoredName.adopted(id).map(manager.remove)
  }

  // MARK: Adopting

  /// Takes over descriptors of a device that is not open. They are used for as long as the device is
  /// present, and the service manager keeps them like others.
  /// - Returns: the kernel's count at which counting starts.
  /// - Throws: `AdoptionError` if they are not the device's; nothing has changed then.
  func adopt(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo
  ) throws(AdoptionError) -> UInt32 {
    let device = try RestoredDevice.adopting(
      node: node, configuration: configuration, of: info, sysfs: sysfs)
    let id = info.stableID
    forget(id)
    releaseAdopted(id)
    adopted[id] = device
    let count = device.device.total.load(ordering: .relaxed)
    // A table that is written without the new count would misjudge the stored descriptor.
    manager.restartCount(of: id, at: count)
    if let name = StoredName.adopted(id) {
      manager.store(node: node, configuration: configuration, as: name, of: id)
    }
    return count
  }
}

extension RestoredDevice {
  /// Checks descriptors that were handed in, and opens the device with them.
  ///
  /// - Parameters:
  ///   - info: the device that the caller named, as it is now.
  ///   - node: its node.
  ///   - configuration: its PCI configuration space; nil: the daemon opens that itself if the line
  ///     needs it.
  /// - Throws: if one of them is not this device's, or not open for reading and writing.
  static func adopting(
    node: FileDescriptor, configuration: FileDescriptor?, of info: UIODeviceInfo,
    sysfs: Sysfs = .system
  ) throws(AdoptionError) -> RestoredDevice {
    if let configuration { try check(configuration, info) }
    guard node.isForReadingAndWriting else {
      throw AdoptionError(
        parameter: "node", cause: "it is not open for reading and writing",
        hint: "open \(info.path) with O_RDWR")
    }
    do throws(SystemError) { try node.becomeNonblocking() } catch {
      throw AdoptionError(
        parameter: "node", cause: "cannot \(error)",
        hint: "open \(info.path) with O_RDWR and O_NONBLOCK")
    }
    // Last, because it shows that the device is still present: the path and the number belonged to
    // this instance all the time (fact 5).
    guard
      let (device, _) = UIODevice.inherit(
        node, counted: nil, info, isShared: true, sysfs: sysfs)
    else {
      throw AdoptionError(
        parameter: "node",
        cause: "it is not the node of \(info.stableID), or the device was removed",
        hint: "open \(info.path), which is its node now")
    }
    return RestoredDevice(device: device, configuration: configuration)
  }

  private static func check(
    _ configuration: FileDescriptor, _ info: UIODeviceInfo
  ) throws(AdoptionError) {
    let path = "\(info.parentFolder)/config"
    guard info.pci != nil else {
      throw AdoptionError(
        parameter: "configuration", cause: "\(info.stableID) is not a PCI function",
        hint: "hand over its node alone")
    }
    guard configuration.isFile(at: path) else {
      throw AdoptionError(
        parameter: "configuration",
        cause: "it is not the configuration space of \(info.stableID)", hint: "open \(path)")
    }
    guard configuration.isForReadingAndWriting else {
      throw AdoptionError(
        parameter: "configuration", cause: "it is not open for reading and writing",
        hint: "open \(path) with O_RDWR")
    }
  }
}
