// One device of the daemon: from being found through being serviced to coming back after it was
// unplugged.
import CUIO
import InterruptSync
import Synchronization
import UIO

/// A device being served. Only the control thread calls it.
final class ServedDevice {
  let configuration: DeviceConfiguration
  private let notices: NoticeBoard
  private let supervision: Supervision
  private var object: InterruptSyncObject?
  private var registrations: [ServiceRoutineRegistration] = []
  private let lock: InterruptLock?
  /// Where the device is to be looked for once it has gone: by identity, not by number (fact 5).
  private var identity: UIODeviceID
  private(set) var name: String
  /// Known once it was opened.
  private(set) var stableID: String?
  /// The kernel's count when none had been counted here: what was counted goes up to the sum of
  /// both, whenever that is asked for.
  private var countBase: UInt32 = 0
  /// Whether an earlier process' descriptors were taken over at the last start.
  private(set) var isContinued = false

  /// - Parameter lock: nil makes one.
  init(
    _ configuration: DeviceConfiguration, notices: NoticeBoard, supervision: Supervision,
    lock: InterruptLock? = nil
  ) {
    self.configuration = configuration
    self.notices = notices
    self.supervision = supervision
    self.lock = lock
    identity = configuration.id
    name = configuration.id.description
  }

  /// Opens, prepares and connects; the object, its statistics and its list are those of before.
  /// - Throws: `UIOError` and `InterruptSyncError`, each naming the device.
  func start() throws {
    let opened = try supervision.open(try UIODeviceInfo.find(identity))
    let device = opened.device
    let line = try UIOLine(
      device, strategy: configuration.settings.rearm, configuration: opened.configuration)
    let recipes = try recipes(device)
    try refuseEndlessInterrupt(line, recipes)
    let routines = try recipes.map { try RecipeRoutine($0, on: device) }
    identity = .stable(device.info.stableID)
    name = device.description
    let object = self.object ?? makeObject(line, taken: opened.taken)
    // The routines of the instance that went away would only touch what is no longer there.
    for registration in registrations { registration.cancel() }
    registrations = try routines.map { routine in
      try object.registerServiceRoutine { routine.service() }
    }
    self.object = object
    try connect(object, to: line, opened)
  }

  /// Kept by the manager first: from the first interrupt on none is lost with the process.
  private func connect(
    _ object: InterruptSyncObject, to line: UIOLine, _ opened: Inheritance
  ) throws(InterruptSyncError) {
    let id = opened.device.info.stableID
    stableID = id
    countBase =
      opened.device.total.load(ordering: .relaxed)
      &- UInt32(truncatingIfNeeded: object.statistics().interrupts)
    isContinued = opened.isContinued
    if let totals { supervision.keep(totals, line, isContinued: isContinued) }
    do throws(InterruptSyncError) { try object.connect(to: line) } catch {
      supervision.forget(id)
      throw error
    }
  }

  /// What is to outlive the process; nil before the device was opened.
  var totals: DeviceTotals? {
    guard let object, let stableID else { return nil }
    let statistics = object.statistics()
    return DeviceTotals(
      id: stableID, count: UInt32(truncatingIfNeeded: statistics.interrupts) &+ countBase,
      statistics: statistics)
  }

  /// Changes while the dispatcher makes progress; nil while there is none.
  var heartbeat: UInt64? { object?.heartbeat }

  /// Whether `info` is the device that was served before, or was asked for.
  func isInstance(_ info: UIODeviceInfo) throws(UIOError) -> Bool {
    try UIODeviceInfo.find(identity) == info
  }

  var state: InterruptSyncObject.State { object?.state ?? .disconnected }
  var isConnected: Bool { state == .connected || state == .storming }
  var statistics: InterruptStatistics { object?.statistics() ?? InterruptStatistics() }

  func stop() {
    try? object?.disconnect()
    if let totals { supervision.save([totals]) }
  }

  /// - Parameter taken: interrupts that are to be counted and were not.
  private func makeObject(_ line: UIOLine, taken: UInt32) -> InterruptSyncObject {
    let label = name
    let settings = configuration.settings
    let options = InterruptSyncOptions(
      storm: settings.storm, repeatLimit: settings.repeatLimit,
      acceptsAnySuccess: settings.acceptsAnySuccess,
      connectsWithoutRoutines: settings.connectsWithoutRoutines, dispatcher: settings.dispatcher
    ) { [notices] report in notices.post(label, report) }
    let object = InterruptSyncObject(
      source: line, mode: settings.mode, lock: lock, name: label, options: options)
    var totals = supervision.totals(of: line.device.info.stableID) ?? InterruptStatistics()
    totals.interrupts &+= UInt64(taken)
    object.restoreStatistics(totals)
    return object
  }

  /// What this version can do of what is configured.
  private func recipes(_ device: UIODevice) throws(UIOError) -> [Recipe] {
    func refuse(_ key: String, _ hint: String) -> UIOError {
      UIOError(
        .malformed, device: device.description, operation: "serve the device",
        cause: "\(key) is not part of this version", hint: hint)
    }
    guard configuration.settings.waitStrategy == .block else {
      throw refuse(
        "WaitStrategy=\(configuration.settings.waitStrategy.rawValue)",
        "write WaitStrategy=block, or nothing")
    }
    var recipes: [Recipe] = []
    for routine in configuration.routines {
      guard case .recipe(let recipe) = routine.action else {
        throw refuse("Driver=", "service the device by Claim= and Acknowledge=")
      }
      recipes.append(recipe)
    }
    return recipes
  }

  /// A PCI line is level: serviced by nothing it would fire for ever, and be claimed each time.
  private func refuseEndlessInterrupt(_ line: UIOLine, _ recipes: [Recipe]) throws(UIOError) {
    guard line.strategy == .pciCommand,
      recipes.contains(where: {
        $0.claim == nil && $0.captures.isEmpty && $0.acknowledgements.isEmpty
      })
    else { return }
    throw UIOError(
      .malformed, device: line.device.description, operation: "serve the device",
      cause:
        "a PCI interrupt stays asserted until the device is told that it was serviced, and nothing says how",
      hint:
        "give --claim bar0:OFFSET/WIDTH and --acknowledge bar0:OFFSET/WIDTH=claimed from its data sheet, or Claim= and Acknowledge= in its file"
    )
  }
}
