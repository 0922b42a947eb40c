// One device of the daemon: from being found through being serviced to coming back after it was
// unplugged.
import CUIO
import InterruptSync
import UIO

/// A device being served. Only the control thread calls it.
final class ServedDevice {
  let configuration: DeviceConfiguration
  private let notices: NoticeBoard
  private var object: InterruptSyncObject?
  private var registrations: [ServiceRoutineRegistration] = []
  private let lock: InterruptLock?
  /// Where the device is to be looked for once it has gone: by identity, not by number (fact 5).
  private var identity: UIODeviceID
  private(set) var name: String

  /// - Parameter lock: nil makes one.
  init(_ configuration: DeviceConfiguration, notices: NoticeBoard, lock: InterruptLock? = nil) {
    self.configuration = configuration
    self.notices = notices
    self.lock = lock
    identity = configuration.id
    name = configuration.id.description
  }

  /// Opens, prepares and connects; the object, its statistics and its list are those of before.
  /// - Throws: `UIOError` and `InterruptSyncError`, each naming the device.
  func start() throws {
    let device = try UIODevice(identity)
    let line = try UIOLine(device, strategy: configuration.settings.rearm)
    let recipes = try recipes(device)
    try refuseEndlessInterrupt(line, recipes)
    let routines = try recipes.map { try RecipeRoutine($0, on: device) }
    identity = .stable(device.info.stableID)
    name = device.description
    let object = try self.object ?? makeObject(line)
    // The routines of the instance that went away would only touch what is no longer there.
    for registration in registrations { registration.cancel() }
    registrations = try routines.map { routine in
      try object.registerServiceRoutine { routine.service() }
    }
    try object.connect(to: line)
    self.object = object
  }

  /// Whether `info` is the device that was served before, or was asked for.
  func isInstance(_ info: UIODeviceInfo) throws(UIOError) -> Bool {
    try UIODeviceInfo.find(identity) == info
  }

  var state: InterruptSyncObject.State { object?.state ?? .disconnected }
  var isConnected: Bool { state == .connected || state == .storming }
  var statistics: InterruptStatistics { object?.statistics() ?? InterruptStatistics() }

  func stop() { try? object?.disconnect() }

  private func makeObject(_ line: UIOLine) throws -> InterruptSyncObject {
    let label = name
    let settings = configuration.settings
    let options = InterruptSyncOptions(
      storm: settings.storm, repeatLimit: settings.repeatLimit,
      acceptsAnySuccess: settings.acceptsAnySuccess,
      connectsWithoutRoutines: settings.connectsWithoutRoutines, dispatcher: settings.dispatcher
    ) { [notices] report in notices.post(label, report) }
    return InterruptSyncObject(
      source: line, mode: settings.mode, lock: lock, name: label, options: options)
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
