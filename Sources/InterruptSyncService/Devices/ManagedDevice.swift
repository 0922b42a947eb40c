// One device of the daemon: from being found through being serviced to coming back after it was
// unplugged. Here is what it is; ManagedDevice+Service.swift connects and disconnects it,
// Attachment.swift lends it to a client.
import CUIO
import InterruptSync
import UIO

/// A device or software line that the daemon knows. Only the control thread calls it.
final class ManagedDevice {
  enum State: String {
    case listed, connected, storming, attached, failed, gone
  }

  /// The stable id, or a software line's name.
  let id: String
  /// What is at the id now; nil for software lines, and while nothing is there.
  var info: UIODeviceInfo?
  /// How it is serviced, and which file says so; nil: nobody said.
  private(set) var configuration: DeviceConfiguration?
  var file: String?
  /// Whether it is to be serviced whenever it is there.
  var isWanted = false
  /// Why it is not serviced although it should be.
  var failure: String?
  /// Set by clients until the next reload.
  var mode: InterruptSyncMode?
  var policy: DispatcherAttributes.Policy?

  /// The configuration was read anew while a client had the device attached.
  var missedReload = false

  let reports: @Sendable (InterruptReport) -> Void
  let supervision: Supervision
  let lock: InterruptLock?
  let groups: DispatcherGroups
  var object: InterruptSyncObject?
  var regions: DeviceRegions?
  /// In the list's order, with the registration of each.
  var routines: [(name: String, registration: ServiceRoutineRegistration)] = []
  var captures: [String] = []
  /// Those whose routines are registered.
  var drivers: [HostedDriver] = []
  var line: UIOLine?
  var software: SoftwareLine?
  var attachment: Attachment?
  /// The rings of those who watch, by registration.
  var rings: [Int: SharedRing] = [:]
  /// What those who watch by streams share, while there are any.
  weak var feed: EventFeed?
  /// What the next object begins with.
  var carried = InterruptStatistics()
  /// The kernel's count when none had been counted here: what was counted goes up to the sum of
  /// both, whenever that is asked for.
  var countBase: UInt32 = 0
  /// Whether an earlier process' descriptors were taken over when it was opened.
  var isContinued = false

  /// - Parameter lock: nil makes one.
  init(
    id: String, info: UIODeviceInfo? = nil, configuration: DeviceConfiguration?, file: String?,
    lock: InterruptLock? = nil, groups: DispatcherGroups, supervision: Supervision,
    reports: @escaping @Sendable (InterruptReport) -> Void
  ) {
    self.id = id
    self.info = info
    self.configuration = configuration
    self.file = file
    self.lock = lock
    self.groups = groups
    self.supervision = supervision
    self.reports = reports
    isWanted = configuration != nil
  }

  var isConnected: Bool { object.map { $0.state == .connected || $0.state == .storming } ?? false }
  var isSoftware: Bool { software != nil }

  var state: State {
    if attachment != nil { return .attached }
    switch object?.state {
    case .connected: return .connected
    case .storming: return .storming
    default: break
    }
    if info == nil, !isSoftware { return .gone }
    return isWanted && failure != nil ? .failed : .listed
  }

  var statistics: InterruptStatistics {
    object?.statistics() ?? carried
  }

  /// What is to outlive the process; nil for software lines, and before the device was opened.
  var totals: DeviceTotals? {
    guard let object, !isSoftware else { return nil }
    let statistics = object.statistics()
    return DeviceTotals(
      id: id, count: UInt32(truncatingIfNeeded: statistics.interrupts) &+ countBase,
      statistics: statistics)
  }

  var name: String { info?.name ?? (isSoftware ? "software" : "") }

  /// Tells everybody who watches the object that it ends.
  func endSubscriptions() { rings = [:] }

  /// Whether a client's word for a device means this one.
  func isCalled(_ text: String) -> Bool {
    if text == id { return true }
    guard let info else { return false }
    return text == "uio\(info.number)" || text == info.path || text == info.name
  }
}
