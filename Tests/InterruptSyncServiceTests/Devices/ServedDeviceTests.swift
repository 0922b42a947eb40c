// io.interruptsync over devices of UIO and of VFIO: what their lines and registers answer that a software line has not.
// The kernel's files and the kernel behind VFIO are a test's; the guests have real devices.
import DeviceIdentity
import Glibc
import LinuxSystem
import TestSupport
import Testing
import UIO
import Varlink
import VFIO

@testable import InterruptSyncService

private let uio = "pci-0000:00:03.0"
private let vfio = "pci-0000:01:00.0"
private let acknowledging = "[Match]\nId=\(uio)\n[Routine]\nAcknowledge=bar0:0x64/32=1\n"

private func tree(_ change: (inout FakeDevice) -> Void = { _ in }) throws -> FakeTree {
  var device = FakeDevice(
    maps: [FakeDevice.Map(size: "0x1000")], ports: [FakeDevice.Port()],
    files: [
      "config": [UInt8](repeating: 0, count: 64),
      "resource0": [UInt8](repeating: 0, count: 1 << 20),
    ])
  change(&device)
  return try FakeTree(device)
}

private func vectors(_ change: (inout FakeVFIO.State) -> Void = { _ in }) throws
  -> (FakeVFIO, ServiceBench)
{
  let fake = try FakeVFIO(change)
  return (
    fake, try ServiceBench("[Match]\nId=\(vfio)\n[Routine]\n", sysfs: fake.sysfs, kernel: fake)
  )
}

private func null() throws -> FileDescriptor { try FileDescriptor.open("/dev/null", O_RDWR) }

/// Hands in a node, and perhaps a configuration space. The error, with the parameter that it names.
private func adopt(
  _ client: VarlinkClient, _ device: String, _ files: FileDescriptor...
) throws -> String {
  var parameters: JSONObject = ["device": .string(device)]
  for (index, name) in ["node", "configuration"].prefix(files.count).enumerated() {
    parameters[name] = .integer(Int64(index))
  }
  do throws(VarlinkError) {
    _ = try client.call("io.interruptsync.AdoptDevice", parameters, descriptors: files)
    return ""
  } catch {
    let name = error.reply?.name.split(separator: ".").last ?? "?"
    return ([String(name)] + [error.reply?.parameters["parameter"]?.string].compactMap { $0 })
      .joined(separator: " ")
  }
}

@Suite(.serialized) struct ServedDeviceTests {
  @Test func aDeviceOfUIOShowsItsRegionsAndCountsItsInterrupts() throws {
    let tree = try tree()
    let bench = try ServiceBench(acknowledging, sysfs: tree.sysfs)
    let client = try bench.client()
    let device = try #require(
      try client.ask("DescribeDevice", ["device": .string(uio)])["device"]?.object)
    #expect(device["state"] == "connected" && device["irq"] == 11)
    let regions = device["regions"]?.array?.compactMap(\.object) ?? []
    #expect(regions.compactMap { $0["name"]?.string } == ["bar0", "map0", "port0"])
    #expect(regions.compactMap { $0["kind"]?.string } == ["memory", "memory", "port"])
    #expect(regions.first?["size"] == 0x10_0000 && regions.last?["address"] == 0x60)
    let node = try FileDescriptor.open(tree.path("dev/uio0"), O_RDWR)
    var count: UInt32 = 3
    #expect(write(node.raw, &count, 4) == 4)
    try eventually("three interrupts") { try client.interrupts(uio) == 3 }
    let wait: JSON = [
      "operation": "wait", "register": "bar0:0x80/32", "value": 1, "microseconds": 10,
    ]
    let read: JSON = ["operation": "read", "register": "bar0:0x64/32"]
    #expect(
      client.refusal("Transact", ["device": .string(uio), "operations": [read, wait]])
        == "WaitExpired")
    let answer = try client.ask("Transact", ["device": .string(uio), "operations": [read]])
    #expect(answer["results"] == [1], "what the routine has written")
    // Another mode is another object on the line that is open.
    _ = try client.ask("SetMode", ["device": .string(uio), "mode": "all"])
    #expect(try client.state(uio) == "connected")
    #expect(client.refusal("Trigger", ["device": .string(uio)]) == "WrongState")
    #expect(try adopt(client, uio, null()) == "WrongState", "the daemon has it open")
  }

  @Test func aDeviceThatGoesIsGoneForItsClients() throws {
    let tree = try tree()
    let bench = try ServiceBench(acknowledging, sysfs: tree.sysfs)
    let client = try bench.client()
    try tree.unbind(0)
    try bench.control { $0.registry.removed(number: 0) }
    #expect(try client.state(uio) == "gone")
    #expect(client.refusal("Attach", ["device": .string(uio)]) == "WrongState")
    #expect(try adopt(client, uio, null()) == "WrongState")
    // Of a number that no device has.
    try bench.control { $0.registry.removed(number: 9) }
  }

  @Test func aRoutineThatAcknowledgesNothingServicesItsDeviceAllTheSame() throws {
    let tree = try tree()
    let text = "[Match]\nId=\(uio)\n[Routine]\nClaim=bar0:0x24/32\n"
    let bench = try ServiceBench(text, sysfs: tree.sysfs)
    #expect(try bench.client().state(uio) == "connected")
  }

  @Test func aRecipeWithRegistersIsNotForASoftwareLine() throws {
    let tree = try PCITree()
    let text = "[Match]\nSoftwareLine=soft\n[Routine]\nClaim=bar0:0x24/32\n"
    let bench = try ServiceBench(text, sysfs: tree.sysfs)
    let client = try bench.client()
    let device = try #require(
      try client.ask("DescribeDevice", ["device": "soft"])["device"]?.object)
    #expect(device["state"] == "failed")
  }

  @Test func descriptorsAreAdoptedByClientsIfTheyAreTheDevices() throws {
    let tree = try PCITree()
    let bench = try ServiceBench("[Match]\nSoftwareLine=soft\n", sysfs: tree.sysfs)
    let client = try bench.client()
    #expect(client.refusal("Connect", ["device": .string(PCITree.id)]) == "NotAllowed")
    #expect(
      client.refusal("SetMode", ["device": .string(PCITree.id), "mode": "all"]) == "NotAllowed")
    #expect(client.refusal("Subscribe", ["device": .string(PCITree.id)]) == "WrongState")
    #expect(try adopt(client, "soft", null()) == "WrongState")
    let zero = try FileDescriptor.open("/dev/zero", O_RDWR)
    #expect(try adopt(client, PCITree.id, zero) == "BadDescriptor node")
    #expect(try adopt(client, PCITree.id, tree.node(), zero) == "BadDescriptor configuration")
    #expect(try adopt(client, PCITree.id, tree.node(), tree.openConfiguration()) == "")
  }

  @Test func vectorsAreTriggeredByClients() throws {
    let (fake, bench) = try vectors()
    let client = try bench.client()
    let vector = JSON.string("\(vfio)/msix2")
    try eventually("the first dispatch") {
      try client.ask("GetStatistics", ["device": vector])["statistics"]?.array?.first?.object?[
        "dispatches"] == 1
    }
    _ = try client.ask("Trigger", ["device": vector, "count": 3])
    try eventually("three interrupts") { try client.interrupts("\(vfio)/msix2") == 3 }
    #expect(client.refusal("Trigger", ["device": vector, "count": 1001]) == "InvalidParameter")
    #expect(client.refusal("Attach", ["device": vector]) == "WrongState")
    // Its function has no maps, and its BAR 2 is ports.
    for register in ["map0:0/32", "bar2:0/64"] {
      let read: JSON = ["operation": "read", "register": .string(register)]
      let refusal = client.refusal("Transact", ["device": vector, "operations": [read]])
      #expect(!refusal.isEmpty, "\(register)")
    }
    #expect(try adopt(client, "\(vfio)/msix2", null()) == "WrongState")
    _ = try client.ask("Disconnect", ["device": vector])
    #expect(client.refusal("Trigger", ["device": vector]) == "WrongState")
    #expect(fake.interrupt(1))
    try eventually("another vector's") { try client.interrupts("\(vfio)/msix1") == 1 }
  }

  @Test func aFunctionThatTheHostTakesBackIsGoneForItsClients() throws {
    let (fake, bench) = try vectors { $0.counts = [2: 4, 3: 1] }
    let client = try bench.client()
    fake.reportError()
    fake.wantBack()
    let vector = JSON.string("\(vfio)/msix0")
    try eventually("the return") { try client.state("\(vfio)/msix0") != "connected" }
    try eventually("what the device's clients are told") {
      ["DeviceGone", "WrongState"].contains(client.refusal("Trigger", ["device": vector]))
    }
    try eventually("the end of its files") { fake.links == 0 }
  }

  @Test func aFunctionThatCannotBeOpenedFailsByItsNameAndIsTriedAgain() throws {
    let bench = try VectorBench("[Match]\nId=\(vfio)\n[Routine]\n") { $0.opening = -EBUSY }
    #expect(bench.states == ["\(vfio) failed"])
    #expect(try bench.device(vfio).failure != nil)
    bench.fake.state.withLock { $0.opening = 0 }
    try bench.reload("[Match]\nId=\(vfio)\n[Device]\nVectors=1\n[Routine]\n")
    #expect(bench.states == ["\(vfio)/msix0 connected"])
    bench.registry.end()
  }
}

// MARK: Devices of the command line

private func registry(
  _ id: UIODeviceID, _ sysfs: Sysfs, _ kernel: FakeVFIO? = nil
) throws -> DeviceRegistry {
  let manager = try ServiceManagerBridge(ServiceEnvironment(), journal: .standard, inherited: nil)
  let functions = kernel.map { VFIOFunctions(manager, kernel: $0, sysfs: sysfs) { _ in } }
  return DeviceRegistry(
    named: [
      DeviceConfiguration(id: id, routines: [RoutineSettings(name: nil, action: .recipe(Recipe()))])
    ],
    files: nil, opener: DeviceOpener(manager, sysfs: sysfs, functions: functions),
    journal: .standard
  ) { _ in }
}

@Test(arguments: [UIODeviceID.number(0), .stable(uio), .name("uio_pci_generic")])
func aDeviceOfTheCommandLineIsServicedByEachOfItsNames(_ id: UIODeviceID) throws {
  // Its line needs no acknowledgement.
  let tree = try tree { $0.driver = "uio_pci_sva" }
  let registry = try registry(id, tree.sysfs)
  try registry.begin()
  #expect(registry.devices.map(\.state.rawValue) == ["connected"])
  _ = registry.disconnectAll()
  registry.end()
}

@Test func aDeviceOfTheCommandLineThatCannotBeServicedStopsTheStart() throws {
  let tree = try tree { $0.node = .none }
  let missing = try registry(.number(7), tree.sysfs)
  #expect(throws: UIOError.self) { try missing.begin() }
  let closed = try registry(.stable(uio), tree.sysfs)
  let error = #expect(throws: DeviceRegistry.StartFailure.self) { try closed.begin() }
  #expect(error?.description.contains(uio) == true)
}

@Test func aFunctionOfTheCommandLineIsNamedByItsPlace() throws {
  let fake = try FakeVFIO()
  for (id, count) in [(UIODeviceID.stable(vfio), 4), (.number(0), 0)] {
    let registry = try registry(id, fake.sysfs, fake)
    do { try registry.begin() } catch { #expect(count == 0) }
    #expect(registry.devices.count { $0.state == .connected } == count)
    _ = registry.disconnectAll()
    registry.end()
  }
}
