// Devices room. The functions of VFIO that the daemon has open. Control thread; no lock. Reports of a function come
// from a thread of the library's.
import DeviceIdentity
import Glibc
import LinuxSystem
import UIO
import VFIO

/// What a function of VFIO's reports beside its lines, on its way to the control thread.
struct FunctionReport: Sendable {
  /// Its stable id.
  let function: String
  let report: VFIOReport
}

/// The functions of VFIO that are open: one device each, which all lines of its vectors share. It is closed with the
/// last of them.
final class VFIOFunctions {
  /// An open function, and its registers.
  struct Opened {
    let device: VFIODevice
    let regions: DeviceRegions

    init(_ device: VFIODevice, _ regions: DeviceRegions) {
      self.device = device
      self.regions = regions
    }
  }

  private struct Entry {
    weak var device: VFIODevice?
    weak var regions: DeviceRegions?
    /// Of an earlier process, by vector: those whose lines are not open yet.
    var events: [Int: FileDescriptor]
  }

  private let manager: ServiceManagerBridge
  private let kernel: any VFIOKernel
  private let sysfs: Sysfs
  private let report: @Sendable (FunctionReport) -> Void
  private var opened: [PCIAddress: Entry] = [:]

  /// - Parameters:
  ///   - kernel: tests pass their own.
  ///   - report: called from a thread of the library's.
  init(
    _ manager: ServiceManagerBridge, kernel: any VFIOKernel = SystemVFIO(),
    sysfs: Sysfs = .system, report: @escaping @Sendable (FunctionReport) -> Void
  ) {
    self.manager = manager
    self.kernel = kernel
    self.sysfs = sysfs
    self.report = report
  }

  // MARK: Opening

  /// Goes on with a function that an earlier process had open, opens it, or finds it open already. It stays open for
  /// as long as the result, or a line or a region of it.
  /// - Throws: what opening throws; `busy` while lines of another kind of interrupt are in use.
  func open(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings
  ) throws(UIOError) -> Opened {
    if let known = opened[function.pci.address], let device = known.device, device.isAlive {
      guard settings.interrupt == nil || settings.interrupt == device.interrupt else {
        throw UIOError(
          .busy, device: function.stableID, operation: "open",
          cause: "its lines of \(device.interrupt.rawValue) are in use",
          hint: "disconnect them and connect again", errno: EBUSY)
      }
      return Opened(device, known.regions ?? remember(device, known.events))
    }
    if let device = continued(function, settings) {
      let events = inheritedEvents(function, device)
      return Opened(device, remember(device, events))
    }
    let device = try made(function, settings, nil)
    try device.enableVectors()
    store(device, function.stableID)
    return Opened(device, remember(device, [:]))
  }

  private func made(
    _ function: VFIODeviceInfo, _ settings: DeviceSettings, _ kept: VFIODescriptors?
  ) throws(UIOError) -> VFIODevice {
    let id = function.stableID
    return try VFIODevice(
      function.pci.address, settings.interrupt, sysfs, kernel,
      { [report] in report(FunctionReport(function: id, report: $0)) }, continuing: kept)
  }

  private func remember(
    _ device: VFIODevice, _ events: [Int: FileDescriptor]
  ) -> DeviceRegions {
    let regions = DeviceRegions(device)
    opened[device.address] = Entry(device: device, regions: regions, events: events)
    return regions
  }

  /// Opens the line of a vector, with bus mastering as its file says. Messages turn it on in any case when they are
  /// connected (V20).
  /// - Throws: also `noInterrupt` where the function has no such vector.
  func line(
    _ function: VFIODeviceInfo, _ vector: Int, _ settings: DeviceSettings
  ) throws(UIOError) -> OpenedLine {
    let open = try open(function, settings)
    let event = opened[function.pci.address]?.events.removeValue(forKey: vector)
    let line = try VFIOLine(open.device, vector: vector, continuing: event)
    if settings.isBusMaster { try open.device.setBusMaster(true) }
    guard event != nil else { return OpenedLine(line: line, regions: open.regions) }
    let id = ManagedDeviceInfo(function, open.device.interrupt, vector).id
    let saved = manager.count(of: id) ?? 0
    let reached = line.readCount(sysfs) ?? saved
    // What the earlier process read after it had saved. A count below that is of another life of the device.
    let taken = manager.count(of: id) == nil ? 0 : max(0, Int32(bitPattern: reached &- saved))
    return OpenedLine(
      line: line, regions: open.regions, taken: UInt32(taken), reached: reached, isContinued: true)
  }

  // MARK: Restarts

  /// What an earlier process had open, if it is this function and can be used.
  private func continued(_ function: VFIODeviceInfo, _ settings: DeviceSettings) -> VFIODevice? {
    let id = function.stableID
    func taken(_ part: StoredName.FunctionPart) -> FileDescriptor? {
      StoredName.function(part, id).flatMap { manager.takeInherited($0).first }
    }
    guard let device = taken(.device), let group = taken(.group), let container = taken(.container)
    else { return nil }
    let kept = VFIODescriptors(
      device: device, group: group, container: container, enabled: enabledKind(function))
    if let device = try? made(function, settings, kept) {
      if device.interrupt != kept.enabled { try? device.enableVectors() }
      return device
    }
    release(id)
    return nil
  }

  /// Vectors are enabled before the first eventfd is stored.
  private func enabledKind(_ function: VFIODeviceInfo) -> VFIOInterrupt? {
    // In this order, as the one name begins with the other.
    [.msix, .msi, .intx].first {
      StoredName.vector("\(function.stableID)/\($0.rawValue)").map(manager.hasInherited(from:))
        ?? false
    }
  }

  private func inheritedEvents(
    _ function: VFIODeviceInfo, _ device: VFIODevice
  ) -> [Int: FileDescriptor] {
    var events: [Int: FileDescriptor] = [:]
    for vector in 0..<device.vectorCount {
      let id = ManagedDeviceInfo(function, device.interrupt, vector).id
      events[vector] = StoredName.vector(id).flatMap { manager.takeInherited($0).first }
    }
    return events
  }

  private func store(_ device: VFIODevice, _ id: String) {
    release(id)
    let descriptors = device.descriptors
    let files = [descriptors.device, descriptors.group, descriptors.container]
    for (part, file) in zip(StoredName.FunctionPart.allCases, files) {
      if let name = StoredName.function(part, id) { manager.store(file, as: name, of: id) }
    }
  }

  /// Has the service manager keep a vector's count, before its first interrupt.
  func keep(_ line: VFIOLine, isContinued: Bool) {
    let kind = line.device.interrupt
    let vector = kind == .intx ? "intx" : "\(kind.rawValue)\(line.vector)"
    let id = "\(line.device)/\(vector)"
    guard !isContinued, let name = StoredName.vector(id) else { return }
    manager.remove(name)
    manager.store(line.event, as: name, of: id)
  }

  /// Has the service manager close the descriptors of functions that are no longer open here: as long as it has them,
  /// the host waits for the device.
  func releaseClosed() {
    for (address, entry) in opened where entry.device?.isReturned ?? true {
      opened[address] = nil
      release("pci-\(address)")
    }
  }

  private func release(_ id: String) {
    for part in StoredName.FunctionPart.allCases {
      if let name = StoredName.function(part, id) { manager.remove(name) }
    }
  }
}
