// Devices of VFIO in the registry: a device for each vector, on one open function that they share, until the host
// wants it back. The kernel is a fake; the objects, their threads and their locks are real.
import DeviceIdentity
import LinuxSystem
import TestSupport
import Testing
import VFIO

@testable import InterruptSyncService

private let id = "pci-0000:01:00.0"

private let match = "[Match]\nId=\(id)\n"

/// One after the other: each holds many descriptors.
@Suite(.serialized) struct VectorTests {
  @Test func aFunctionThatNoFileConfiguresIsListedAndNotOpened() throws {
    let bench = try VectorBench(nil)
    #expect(bench.states == ["\(id) listed"])
    #expect(bench.fake.links == 0)
    let device = try bench.device("0000:01:00.0")
    #expect(try bench.device("1b36:0006") === device)
    #expect(device.snapshot.driver == "vfio-pci" && device.name == "vfio-pci")
  }

  @Test func eachVectorOfAFunctionIsADevice() throws {
    let bench = try VectorBench(match + "[Routine]\n")
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) connected" })
    #expect(bench.fake.log == ["enable 4"] + (0..<4).map { "give \($0)" })
    // Its function's name means none of several.
    #expect(bench.registry.device(id) == nil)
    bench.fake.interrupt(2)
    let device = try bench.device("0000:01:00.0/msix2")
    try eventually("the message") { device.statistics.interrupts == 1 }
    #expect(try bench.device("\(id)/msix1").statistics.interrupts == 0)
    bench.registry.end()
  }

  @Test func vectorsOfAFunctionShareItAndItsRegisters() throws {
    let recipe = "Claim=bar0:0x10\nAcknowledge=bar0:0x10=claimed\n"
    let bench = try VectorBench(match + "[Routine]\n" + recipe)
    let devices = bench.registry.devices
    #expect(devices.count == 4)
    let opened = devices.compactMap { ($0.line as? VFIOLine)?.device }
    #expect(opened.count == 4 && Set(opened.map(ObjectIdentifier.init)).count == 1)
    #expect(Set(devices.compactMap(\.regions).map(ObjectIdentifier.init)).count == 1)
    // One descriptor and one mapping.
    #expect(bench.fake.links == 2)
    bench.registry.end()
  }

  @Test(arguments: [
    ("Interrupt=intx\n", ["intx"]), ("Interrupt=msi\n", ["msi0", "msi1"]),
    ("Vectors=2\n", ["msix0", "msix1"]), ("Vectors=0 2-3\n", ["msix0", "msix2", "msix3"]),
    ("Vectors=16\n", ["msix0", "msix1", "msix2", "msix3"]), ("Vectors=1-1\n", ["msix1"]),
  ])
  func aFileChoosesTheKindAndTheVectors(_ keys: String, _ vectors: [String]) throws {
    let routine = "[Routine]\nAcknowledge=bar0:0/32=1\n"
    let bench = try VectorBench(match + "[Device]\n\(keys)" + routine) {
      $0.counts = [0: 1, 1: 2, 2: 4]
    }
    #expect(bench.states == vectors.map { "\(id)/\($0) connected" })
    bench.registry.end()
  }

  @Test func aVectorThatTheFunctionLacksFailsByName() throws {
    let bench = try VectorBench(match + "[Device]\nVectors=3-4\n[Routine]\n")
    #expect(bench.states == ["\(id)/msix3 connected", "\(id)/msix4 failed"])
    #expect(try bench.device("\(id)/msix4").failure?.message.contains("no vector 4") == true)
    bench.registry.end()
  }

  @Test func aRoutineServicesTheVectorsThatItNames() throws {
    let bench = try VectorBench(
      match + "[Routine]\nName=a\nVector=0 2\n[Routine]\nName=b\nVector=2\n")
    #expect(bench.states == ["\(id)/msix0 connected", "\(id)/msix2 connected"])
    #expect(try bench.device("\(id)/msix0").routines.map(\.name) == ["a"])
    #expect(try bench.device("\(id)/msix2").routines.map(\.name) == ["a", "b"])
    bench.registry.end()
  }

  @Test func intxWithoutARoutineThatSilencesItIsRefused() throws {
    let bench = try VectorBench(match + "[Device]\nInterrupt=intx\n[Routine]\n") {
      $0.counts = [0: 1]
    }
    #expect(bench.states == ["\(id)/intx failed"])
  }

  @Test func busMasteringIsOnForMessagesAndWhereTheFileWantsIt() throws {
    let keys = "[Device]\nInterrupt=intx\n"
    let routine = "[Routine]\nAcknowledge=bar0:0/32=1\n"
    for (text, isOn) in [("", false), ("BusMaster=yes\n", true)] {
      let bench = try VectorBench(match + keys + text + routine) { $0.counts = [0: 1] }
      #expect(bench.fake.configuration(at: 4) & 4 == (isOn ? 4 : 0))
      bench.registry.end()
    }
  }

  @Test func aFunctionThatDoesNotOpenFailsAsOneDeviceAndBecomesItsVectorsLater() throws {
    let bench = try VectorBench(match + "[Routine]\n") { $0.isViable = 0 }
    #expect(bench.states == ["\(id) failed"])
    let device = try bench.device(id)
    #expect(device.failure?.message.contains("IOMMU group is shared") == true)
    #expect(throws: UIOError.self) { try bench.connect(device) }
    bench.fake.state.withLock { $0.isViable = 1 }
    try bench.connect(device)
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) connected" })
    bench.registry.end()
  }

  @Test func V35_aReturnedFunctionIsConnectedAgainWhenItIsBack() throws {
    let bench = try VectorBench(match + "[Routine]\n")
    bench.fake.interrupt(1)
    let device = try bench.device("\(id)/msix1")
    try eventually("the message") { device.statistics.interrupts == 1 }
    try bench.waitForReturn()
    // Nothing of the daemon's holds it, before udev reports anything.
    #expect(bench.fake.links == 0)
    #expect(bench.returned.withLock { $0.count } == 1)
    let function = bench.function
    bench.registry.removed(function.pci.address)
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) gone" })
    bench.registry.arrived(function)
    bench.settle()
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) connected" })
    bench.fake.interrupt(1)
    try eventually("the next message") { device.statistics.interrupts == 2 }
    bench.registry.end()
  }

  @Test func aSecondEventOfAFunctionChangesNothing() throws {
    let bench = try VectorBench(match + "[Routine]\n")
    let objects = bench.registry.devices.compactMap(\.object).map(ObjectIdentifier.init)
    bench.registry.arrived(bench.function)
    bench.settle()
    #expect(bench.registry.devices.compactMap(\.object).map(ObjectIdentifier.init) == objects)
    #expect(bench.fake.log.count == 5)
    bench.registry.end()
  }

  @Test func aReloadOpensAFunctionInAnotherWayAndKeepsWhatDoesNotChange() throws {
    let bench = try VectorBench(match + "[Routine]\n") { $0.counts = [1: 1, 2: 4] }
    let objects = bench.registry.devices.compactMap(\.object).map(ObjectIdentifier.init)
    try bench.reload(match + "[Routine]\n")
    #expect(bench.registry.devices.compactMap(\.object).map(ObjectIdentifier.init) == objects)
    try bench.reload(match + "[Device]\nVectors=1\n[Routine]\n")
    #expect(bench.states == ["\(id)/msix0 connected"])
    try bench.reload("[Match]\nId=other\n[Routine]\n")
    #expect(bench.states == ["\(id) listed"])
    #expect(bench.fake.links == 0)
    try bench.reload(match + "[Routine]\n")
    #expect(bench.states == (0..<4).map { "\(id)/msix\($0) connected" })
    bench.registry.end()
  }

  @Test func aReloadChangesTheKindOfInterrupt() throws {
    let bench = try VectorBench(match + "[Routine]\n") { $0.counts = [1: 1, 2: 4] }
    // What the kernel does with the last close (V9).
    bench.fake.state.withLock { $0.enabled = nil }
    try bench.reload(match + "[Device]\nInterrupt=msi\n[Routine]\n")
    #expect(bench.states == ["\(id)/msi0 connected"])
    #expect(bench.fake.log.suffix(2) == ["enable 1", "give 0"])
    bench.registry.end()
  }

  @Test func vectorsThatAClientDisconnectedStayWithoutService() throws {
    let bench = try VectorBench(match + "[Routine]\n")
    let device = try bench.device("\(id)/msix3")
    bench.registry.disconnect(device)
    #expect(device.state == .listed)
    try bench.waitForReturn()
    let function = bench.function
    bench.registry.removed(function.pci.address)
    bench.registry.arrived(function)
    bench.settle()
    #expect(try bench.device("\(id)/msix3").state == .listed)
    #expect(try bench.device("\(id)/msix2").state == .connected)
    bench.registry.end()
  }
}
