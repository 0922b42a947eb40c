// Devices room. One device of the daemon, from being found through being serviced to coming back
// after it was unplugged. DeviceRegistry makes and keeps them, and clients' methods use them. This
// file holds what a device is; ManagedDevice+Service.swift connects and disconnects it,
// Attachment.swift lends it to a client. Control thread. Fields need no lock; what changes the
// object waits for its interrupt lock, so ask `isResponsive` first. The dispatcher's thread knows
// only the object and the report closure.
import CUIO
import InterruptSync
import UIO

/// A device or software line that the daemon knows.
final class ManagedDevice {
  enum State: String, CaseIterable {
    case listed, connected, storming, attached, failed, gone
  }

  /// The stable id, or a software line's name.
  let id: String
  /// The device that has the id now; nil for software lines, and while the device is absent.
  var info: ManagedDeviceInfo?
  /// How it is serviced; nil: nothing configures it.
  let configuration: DeviceConfiguration?
  /// The file that configures it; nil for a device of the command line.
  var file: String?
  /// Whether it is serviced whenever it is present.
  var isWanted = false
  /// Why it is not serviced although it should be.
  var failure: Failure?
  /// Set by clients until the next reload.
  var mode: InterruptSyncMode?
  var policy: DispatcherAttributes.Policy?
  /// The configuration was reloaded while a client had the device attached.
  var missedReload = false

  let reports: @Sendable (InterruptReport) -> Void
  let opener: DeviceOpener
  let lock: InterruptLock?
  let groups: DispatcherGroups
  var object: InterruptSyncObject?
  var regions: DeviceRegions?
  /// In the list's order, with the registration of each.
  var routines: [(name: String, registration: ServiceRoutineRegistration)] = []
  /// What routines counted in registrations that have ended, by the routine's name.
  var routineCounts: [String: ServiceRoutineStatistics] = [:]
  var captures: [String] = []
  /// Drivers whose routines are registered.
  var drivers: [HostedDriver] = []
  var line: (any ManagedLine)?
  var software: SoftwareLine?
  var attachment: Attachment?
  /// The observers' rings of the current object, by registration. Removing one ends it for its
  /// reader.
  var rings: [Int: SharedRing] = [:]
  /// What the next object's statistics begin with.
  var carried = InterruptStatistics()
  /// The kernel's count when the daemon had counted 0: the kernel's count now is the sum of this and
  /// what was counted.
  var countBase: UInt32 = 0
  /// True if the device was opened with an earlier process's descriptors.
  var isContinued = false
  /// A routine held the interrupt lock for too long when the control thread last looked.
  var isHung = false
  var wasReportedHung = false
  /// Closures that run once the routine has returned.
  var waiting: [() -> Void] = []

  /// - Parameter lock: nil makes one.
  init(
    id: String, info: ManagedDeviceInfo? = nil, configuration: DeviceConfiguration?, file: String?,
    lock: InterruptLock? = nil, groups: DispatcherGroups, opener: DeviceOpener,
    reports: @escaping @Sendable (InterruptReport) -> Void
  ) {
    self.id = id
    self.info = info
    self.configuration = configuration
    self.file = file
    self.lock = lock
    self.groups = groups
    self.opener = opener
    self.reports = reports
    isWanted = configuration != nil
  }

  var isConnected: Bool { object.map { $0.state == .connected || $0.state == .storming } ?? false }
  var isSoftware: Bool { software != nil }
  var isAttached: Bool { attachment != nil }

  var state: State {
    if isAttached { return .attached }
    switch object?.state {
    case .connected: return .connected
    case .storming: return .storming
    default: break
    }
    if info == nil, !isSoftware { return .gone }
    return isWanted && failure != nil ? .failed : .listed
  }

  /// `routines` has those of this device's `routines`, with what they counted in earlier registrations.
  var statistics: InterruptStatistics {
    var statistics = object?.statistics() ?? carried
    statistics.routines = routines.map { counts(of: $0.name, $0.registration) }
    return statistics
  }

  /// With what its name counted in registrations that have ended.
  func counts(
    of name: String, _ registration: ServiceRoutineRegistration
  ) -> ServiceRoutineStatistics {
    var counts = registration.statistics
    if let earlier = routineCounts[name] {
      counts.calls &+= earlier.calls
      counts.claims &+= earlier.claims
    }
    return counts
  }

  /// What survives the process; nil for software lines, and before the device was opened.
  var totals: DeviceTotals? {
    guard let object, !isSoftware else { return nil }
    let statistics = object.statistics()
    return DeviceTotals(
      id: id, count: UInt32(truncatingIfNeeded: statistics.interrupts) &+ countBase,
      statistics: statistics)
  }

  var name: String { info?.name ?? (isSoftware ? "software" : "") }

  /// Ends the object's rings: their readers see the end and subscribe again.
  func endSubscriptions() { rings = [:] }

  /// Whether a client's text for a device means this one.
  func isCalled(_ text: String) -> Bool {
    text == id || info?.isCalled(text) ?? false
  }
}

/// A report of a device's dispatcher, on its way to the control thread.
struct DeviceReport: Sendable {
  let device: String
  let report: InterruptReport
}

/// One device at one moment: what metrics and status read, so that they know neither the registry
/// nor its devices.
struct DeviceSnapshot {
  let id: String
  let name: String
  let driver: String
  let state: ManagedDevice.State
  /// The object's own state, which the terminal shows; nil before the device was opened.
  let objectState: InterruptSyncObject.State?
  let isWanted: Bool
  let statistics: InterruptStatistics
  /// The names of the service routines, in the order of `statistics.routines`.
  let routines: [String]
  fileprivate let object: InterruptSyncObject?

  /// Nil before the device was opened. Read when it is asked for: it is more than the rest.
  func histogram(
    of quantity: InterruptHistogram.Quantity, over period: InterruptHistogram.Period
  ) -> InterruptHistogram? { object?.histogram(of: quantity, over: period) }
}

extension ManagedDevice {
  var snapshot: DeviceSnapshot {
    DeviceSnapshot(
      id: id, name: name, driver: info?.driver ?? "", state: state, objectState: object?.state,
      isWanted: isWanted, statistics: statistics, routines: routines.map(\.name),
      object: object)
  }
}

/// The threads that several devices share. Each lasts as long as an object uses it.
final class DispatcherGroups {
  private struct Entry {
    let name: String
    let attributes: DispatcherAttributes
    weak var group: DispatcherGroup?
  }

  private var entries: [Entry] = []

  /// The group of this name whose thread has these attributes; a new one if there is none.
  /// - Parameter report: receives what the system refuses to a new group's thread.
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
