// A registry on a fake function of VFIO.
import DeviceIdentity
import TestSupport
import Testing
import VFIO

@testable import InterruptSyncService

/// A registry on a function with four vectors of MSI-X, as the files say.
final class VectorBench {
  let fake: FakeVFIO
  let registry: DeviceRegistry
  let manager: ServiceManagerBridge
  let returned = Guarded<[String]>([])
  private let observed = Guarded<[String]>([])

  convenience init(
    _ text: String?, _ change: (inout FakeVFIO.State) -> Void = { _ in }
  ) throws {
    try self.init(text, FakeVFIO(change), ServiceEnvironment(), nil)
  }

  init(
    _ text: String?, _ fake: FakeVFIO, _ environment: ServiceEnvironment,
    _ inherited: InheritedDescriptors?
  ) throws {
    self.fake = fake
    manager = try ServiceManagerBridge(environment, journal: .standard, inherited: inherited)
    let returned = returned
    let opener = DeviceOpener(
      manager, sysfs: fake.sysfs,
      functions: VFIOFunctions(manager, kernel: fake, sysfs: fake.sysfs) { report in
        guard case .reported(let event) = report.event else { return }
        returned.withLock { $0.append("\(event)") }
      })
    registry = DeviceRegistry(
      named: [], files: try text.map { try Self.files($0) }, opener: opener, journal: .standard
    ) { _ in }
    try registry.begin()
  }

  static func files(_ text: String) throws -> ConfigurationSet {
    let folder = try TemporaryFolder()
    try folder.write("\(deviceFolder)/10-card.device", text)
    return try folder.configuration()
  }

  func reload(_ text: String) throws {
    registry.apply(try Self.files(text))
    settle()
  }

  /// Waits until functions are opened and closed, as the daemon's loop does not.
  func settle() { registry.opener.functions.settle() }

  /// Connects a device for a client.
  /// - Throws: why it could not be connected.
  func connect(_ device: ManagedDevice) throws {
    var answers: [(any Error)?] = []
    registry.connect(device) { answers.append($0) }
    settle()
    try #require(answers.count == 1)
    if let error = answers[0] { throw error }
  }

  var states: [String] { registry.devices.map { "\($0.id) \($0.state.rawValue)" } }
  var function: VFIODeviceInfo { VFIODeviceInfo.all(fake.sysfs)[0] }

  func device(_ name: String) throws -> ManagedDevice { try #require(registry.device(name)) }

  func waitForReturn() throws {
    fake.wantBack()
    try eventually("the return") { returned.withLock { !$0.isEmpty } }
  }
}
