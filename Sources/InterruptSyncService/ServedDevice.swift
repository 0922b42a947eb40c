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
  private var registration: ServiceRoutineRegistration?
  /// Where the device is to be looked for once it has gone: by identity, not by number (fact 5).
  private var identity: UIODeviceID
  private(set) var name: String

  init(_ configuration: DeviceConfiguration, notices: NoticeBoard) {
    self.configuration = configuration
    self.notices = notices
    identity = configuration.id
    name = configuration.id.description
  }

  /// Opens, prepares and connects; the object, its statistics and its list are those of before.
  /// - Throws: `UIOError` and `InterruptSyncError`, each naming the device.
  func start() throws {
    let device = try UIODevice(identity)
    let line = try UIOLine(device, strategy: configuration.rearm)
    try refuseEndlessInterrupt(line)
    let routine = try RecipeRoutine(configuration.recipe, on: device)
    identity = .stable(device.info.stableID)
    name = device.description
    let object = try self.object ?? makeObject(line)
    // The routine of the instance that went away would only touch what is no longer there.
    registration?.cancel()
    registration = try object.registerServiceRoutine { routine.service() }
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
    let options = InterruptSyncOptions(dispatcher: configuration.dispatcher) { [notices] report in
      notices.post(label, report)
    }
    return InterruptSyncObject(
      source: line, mode: configuration.mode, name: label, options: options)
  }

  /// A PCI line is level: serviced by nothing it would fire for ever, and be claimed each time.
  private func refuseEndlessInterrupt(_ line: UIOLine) throws(UIOError) {
    let recipe = configuration.recipe
    guard line.strategy == .pciCommand, recipe.claim == nil, recipe.acknowledgements.isEmpty else {
      return
    }
    throw UIOError(
      .malformed, device: line.device.description, operation: "serve the device",
      cause:
        "a PCI interrupt stays asserted until the device is told that it was serviced, and nothing says how",
      hint:
        "give --claim bar0:OFFSET/WIDTH and --acknowledge bar0:OFFSET/WIDTH=claimed from its data sheet"
    )
  }
}
