// Descriptors that another process opened: checked, used, kept and released.
import Glibc
import Synchronization
import TestSupport
import Testing
import UIO

@testable import InterruptSyncService

/// O_PATH, which Swift does not see.
private let pathOnly: Int32 = 0o10000000

private func refusal(_ tree: PCITree, node: FileDescriptor, configuration: FileDescriptor?) throws
  -> AdoptionError?
{
  let info = try tree.info()
  do throws(AdoptionError) {
    _ = try RestoredDevice.adopting(
      node: node, configuration: configuration, of: info, sysfs: tree.sysfs)
    return nil
  } catch { return error }
}

@Test func descriptorsOfTheDeviceAreTakenOver() throws {
  let tree = try PCITree(event: 12)
  let (node, configuration) = (try tree.node(), try tree.openConfiguration())
  let adopted = try RestoredDevice.adopting(
    node: node, configuration: configuration, of: tree.info(), sysfs: tree.sysfs)
  #expect(adopted.device.isAlive && adopted.device.info.stableID == PCITree.id)
  #expect(adopted.configuration === configuration)
  // At least one interrupt is pending: how long ago it came is unknown.
  #expect(adopted.device.total.load(ordering: .relaxed) == 11)
  #expect(!adopted.isContinued && adopted.taken == 0)
  // A dispatcher that reads must never wait in the read.
  #expect(fcntl(node.raw, F_GETFL) & O_NONBLOCK != 0)
  #expect(try refusal(tree, node: tree.node(), configuration: nil) == nil)
}

@Test func nodeOfAnythingElseIsRefused() throws {
  let tree = try PCITree()
  let wrong: [FileDescriptor] = [
    try FileDescriptor.open("/dev/zero", O_RDWR), makePipe().reading,
    try tree.openConfiguration(), try tree.node(O_RDONLY), try tree.node(O_WRONLY),
    try tree.node(pathOnly),
  ]
  for node in wrong {
    let refusal = try #require(
      try refusal(tree, node: node, configuration: tree.openConfiguration()))
    #expect(refusal.parameter == "node" && refusal.hint.hasPrefix("open "))
  }
}

@Test func configurationSpaceOfAnythingElseIsRefused() throws {
  let (tree, other) = (try PCITree(), try PCITree())
  let wrong: [FileDescriptor] = [
    try other.openConfiguration(), try tree.node(), try tree.openConfiguration(O_RDONLY),
    try tree.openConfiguration(pathOnly), makePipe().writing,
  ]
  for configuration in wrong {
    let refusal = try #require(
      try refusal(tree, node: tree.node(), configuration: configuration))
    #expect(refusal.parameter == "configuration" && !refusal.cause.isEmpty)
  }
}

@Test func configurationSpaceOfWhatIsNoFunctionIsRefused() throws {
  let (board, tree) = (try Board(), try PCITree())
  let refused = #expect(throws: AdoptionError.self) {
    try RestoredDevice.adopting(
      node: tree.node(), configuration: tree.openConfiguration(), of: board.device.info,
      sysfs: board.device.sysfs)
  }
  #expect(refused?.parameter == "configuration")
}

/// The messages to a service manager about a device, from its adoption to its end.
@Test func adoptedDescriptorsAreKeptOnceAndUntilTheDeviceGoes() throws {
  let receiver = try FakeReceiver()
  let tree = try PCITree()
  let manager = try ServiceManagerBridge(
    ServiceEnvironment(receiver.environment()), journal: .standard)
  let opener = DeviceOpener(manager, sysfs: tree.sysfs)
  #expect(receiver.next()?.lines == ["FDSTORE=1", "FDNAME=state"])
  let (node, configuration) = (try tree.node(), try tree.openConfiguration())
  #expect(
    try opener.adopt(node: node, configuration: configuration, of: tree.info()) == 11)
  let name = "FDNAME=adopted-pci-0000%3a00%3a03.0"
  let removed = ["FDSTOREREMOVE=1", "FDNAME=uio-pci-0000%3a00%3a03.0"]
  #expect(receiver.next()?.lines == removed)
  let first = try #require(receiver.next())
  #expect(first.lines == ["FDSTORE=1", name])
  #expect(first.descriptors.first?.isFile(at: "/dev/null") == true)
  let second = try #require(receiver.next())
  #expect(second.lines == ["FDSTORE=1", name, "FDPOLL=0"])
  #expect(second.descriptors.first?.isFile(at: tree.configuration) == true)
  // Reconnecting stores nothing: the manager has the descriptors.
  for _ in 0..<2 {
    let opened = try opener.open(tree.info())
    #expect(opened.device.file === node && opened.configuration === configuration)
    let line = try UIOLine(opened.device, strategy: nil, configuration: opened.configuration)
    opener.keep(
      DeviceTotals(id: PCITree.id, count: 11, statistics: .init()), line, isContinued: false)
    opener.forget(PCITree.id)
    #expect(receiver.next()?.lines == removed)
  }
  opener.releaseAdopted(PCITree.id)
  #expect(receiver.next()?.lines == ["FDSTOREREMOVE=1", name])
  opener.releaseAdopted(PCITree.id)
  #expect(throws: UIOError.self) { try opener.open(tree.info()) }
  #expect(receiver.next(within: 0) == nil)
}

@Test func fact59_deviceWhoseIDIsAlsoAnothersIsNotOpened() throws {
  let manager = try ServiceManagerBridge(
    ServiceEnvironment(FakeReceiver().environment()), journal: .standard)
  let tree = try FakeTree()
  for number in 0...2 {
    let name = number == 2 ? "evt2" : "evt"
    try tree.add(
      FakeDevice(
        number: number, bus: "platform", parent: "pruss", driver: "p", name: name, attributes: [:]))
  }
  let opener = DeviceOpener(manager, sysfs: tree.sysfs)
  for info in UIODeviceInfo.all(tree.sysfs) {
    if info.name == "evt2" {
      _ = try opener.open(info)
    } else {
      let error = #expect(throws: UIOError.self) { _ = try opener.open(info) }
      #expect(error?.code == .ambiguous && error?.device == "platform-pruss+evt")
    }
  }
}

@Test func refusedDescriptorsChangeNothing() throws {
  let receiver = try FakeReceiver()
  let tree = try PCITree()
  let manager = try ServiceManagerBridge(
    ServiceEnvironment(receiver.environment()), journal: .standard)
  let opener = DeviceOpener(manager, sysfs: tree.sysfs)
  let node = try tree.node()
  _ = try opener.adopt(node: node, configuration: nil, of: tree.info())
  while receiver.next(within: 0) != nil {}
  #expect(throws: AdoptionError.self) {
    try opener.adopt(node: makePipe().reading, configuration: nil, of: tree.info())
  }
  #expect(receiver.next(within: 0) == nil)
  #expect(try opener.open(tree.info()).device.file === node)
}

/// A device that nothing services yet could not be opened again later.
@Test func adoptedDescriptorsOutliveTheProcessEvenUnused() throws {
  let receiver = try FakeReceiver()
  let tree = try PCITree()
  let names = "adopted-pci-0000%3a00%3a03.0"
  let (node, configuration) = (try tree.node(), try tree.openConfiguration())
  let first = try descriptorsInARow([node, configuration, makePipe().reading])
  let environment = ServiceEnvironment(
    receiver.environment([
      "LISTEN_FDS": "3", "LISTEN_PID": "77", "LISTEN_FDNAMES": "\(names):\(names):adopted-gone",
    ]), process: 77)
  let manager = try ServiceManagerBridge(
    environment, journal: .standard,
    inherited: InheritedDescriptors(environment, first: first))
  let opener = DeviceOpener(manager, sysfs: tree.sysfs)
  opener.restoreAdopted(try tree.info())
  manager.ready("ready")
  var said: [[String]] = []
  while let message = receiver.next(within: 0) { said.append(message.lines) }
  // Of a device that is absent.
  #expect(said.contains(["FDSTOREREMOVE=1", "FDNAME=adopted-gone"]))
  #expect(!said.contains(["FDSTOREREMOVE=1", "FDNAME=\(names)"]))
  let opened = try opener.open(tree.info())
  #expect(opened.device.file.raw == first && opened.configuration?.raw == first + 1)
  #expect(opened.isContinued)
  #expect(try !opener.open(tree.info()).isContinued)
}
