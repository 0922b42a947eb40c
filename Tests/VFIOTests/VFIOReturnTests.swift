// What happens when the host wants its device back, and when the device reports an error (V10, V35, V38).
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import TestSupport
import Testing

@testable import VFIO

@Test(arguments: [false, true])
func V35_aDeviceThatTheHostWantsIsReturnedAtOnce(_ inGroup: Bool) throws {
  let fake = try FakeVFIO()
  let reports = Texts()
  let lineReports = Texts()
  let device = try fake.open { reports.add("\($0)") }
  let bar = try device.region(bar: 0)
  let ports = try device.region(bar: 2)
  let configuration = try device.configuration()
  try bar.write32(5, at: 0)
  let group = inGroup ? try DispatcherGroup() : nil
  let objects = try (0..<2).map { vector in
    let object = InterruptSyncObject(
      source: try VFIOLine(device, vector: vector), mode: .normal,
      options: InterruptSyncOptions(group: group) { lineReports.add("\($0)") })
    try object.registerServiceRoutine { .success }
    try object.connect()
    return object
  }
  #expect(fake.links == 2)
  fake.wantBack()
  try eventually("the report") { reports.count == 1 }
  // Descriptor and mapping are gone although everything that used them is still there.
  #expect(fake.links == 0)
  #expect(fake.log.last == "disable")
  try eventually("the lines' ends") { lineReports.count == 2 }
  #expect(lineReports.all.allSatisfy { $0.contains("the host wanted the device back") })
  for region in [bar, ports, configuration] {
    do throws(UIOError) {
      _ = try region.read32(at: 0)
      Issue.record("\(region.name) was read")
    } catch { #expect(error.code == .removed) }
  }
  #expect(!device.isAlive)
  expectRemoved { () throws(UIOError) in _ = try device.region(bar: 0) }
  expectRemoved { () throws(UIOError) in _ = try device.configuration() }
  expectRemoved { () throws(UIOError) in try device.setBusMaster(true) }
  expectRemoved { () throws(UIOError) in try device.reset() }
  for object in objects {
    do throws(InterruptSyncError) {
      try object.connect()
      Issue.record("connected")
    } catch { #expect(error.code == .removed) }
  }
  fake.wantBack()
  // Bound again, it is opened again, beside what is left of the first.
  let again = try fake.open()
  #expect(again.isAlive && reports.count == 1)
}

private func expectRemoved(
  sourceLocation: SourceLocation = #_sourceLocation, _ body: () throws(UIOError) -> Void
) {
  do throws(UIOError) {
    try body()
    Issue.record("no error", sourceLocation: sourceLocation)
  } catch { #expect(error.code == .removed, sourceLocation: sourceLocation) }
}

@Test func V10_accessesThatAreUnderWayAreRemovedAndDoNotEndTheProcess() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let bar = try device.region(bar: 0)
  let ended = Counts()
  let accesses = Counts()
  let thread = try WorkerThread(name: "accesses") {
    while true {
      do throws(UIOError) {
        try bar.write32(7, at: 4096)
        _ = try bar.read32(at: 4096)
        accesses.add()
      } catch {
        if error.code == .removed { ended.add() }
        return
      }
    }
  }
  try eventually("accesses") { accesses.value > 1000 }
  fake.wantBack()
  thread.join()
  #expect(ended.value == 1)
}

@Test func V38_anErrorOfTheDeviceIsReportedAndTheDeviceStays() throws {
  let fake = try FakeVFIO { $0.counts = [2: 4, 3: 1] }
  let reports = Texts()
  let device = try fake.open { reports.add("\($0)") }
  fake.reportError()
  try eventually("the report") { reports.count == 1 }
  #expect(reports.all[0].contains("over PCI Express"))
  fake.reportError()
  try eventually("the second report") { reports.count == 2 }
  #expect(device.isAlive)
}

@Test func aDeviceIsClosedWithTheLastOfItsLinesAndRegions() throws {
  let fake = try FakeVFIO()
  var device: VFIODevice? = try fake.open()
  var line: VFIOLine? = try VFIOLine(try #require(device))
  var region: RegisterRegion? = try device?.region(bar: 2)
  device = nil
  #expect(fake.links == 1)
  line = nil
  #expect(try region?.read32(at: 0) == 0)
  region = nil
  #expect(fake.links == 0)
  withExtendedLifetime((device, line, region)) {}
}

@Test func aDeviceIsClosedWhereItsOwnerSays() throws {
  let fake = try FakeVFIO()
  let work = Guarded<[@Sendable () -> Void]>([])
  var device: VFIODevice? = try VFIODevice(
    FakeVFIO.address, nil, fake.sysfs, fake, nil
  ) { close in work.withLock { $0.append(close) } }
  #expect(device?.isAlive == true)
  device = nil
  #expect(fake.links == 1)
  for close in work.withLock({ $0 }) { close() }
  #expect(fake.links == 0)
}
