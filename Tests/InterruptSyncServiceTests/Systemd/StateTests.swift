// The totals that outlive the process: whole, torn, foreign and random.
import CUIO
import Glibc
import InterruptSync
import Testing
import TestSupport
import UIO

@testable import InterruptSyncService

private func totals(_ generator: inout some RandomNumberGenerator, _ number: Int) -> DeviceTotals {
  var statistics = InterruptStatistics()
  for field in DeviceTotals.fields {
    statistics[keyPath: field] = .random(in: 0 ... .max, using: &generator)
  }
  let letters = "abcé:\n. "
  let tail = (0..<Int.random(in: 0...40, using: &generator)).map { _ in
    letters.randomElement(using: &generator)!
  }
  return DeviceTotals(
    id: "\(number)-" + String(tail), count: .random(in: 0 ... .max, using: &generator),
    statistics: statistics)
}

private func table(_ generator: inout some RandomNumberGenerator) -> StateTable {
  let devices = (0..<Int.random(in: 0...20, using: &generator)).map { totals(&generator, $0) }
  return StateTable(sequence: .random(in: 0 ... .max, using: &generator), devices: devices)
}

@Test func tableComesBackAsItWasWritten() throws {
  var generator = SeededGenerator()
  for _ in 0..<50 {
    let table = table(&generator)
    #expect(try StateTable(table.bytes) == table)
    #expect(try StateTable(table.bytes + [1, 2, 3]) == table, "what is behind it does not matter")
  }
}

@Test func tableThatWasChangedAnywhereIsRefused() throws {
  var generator = SeededGenerator()
  for _ in 0..<20 {
    let bytes = table(&generator).bytes
    for place in bytes.indices.shuffled(using: &generator).prefix(60) {
      var changed = bytes
      changed[place] ^= 1 << UInt8.random(in: 0..<8, using: &generator)
      #expect(throws: StateFault.self) { try StateTable(changed) }
    }
    let length = Int.random(in: 0..<bytes.count, using: &generator)
    #expect(throws: StateFault.self) { try StateTable(Array(bytes.prefix(length))) }
  }
}

/// The checksum set right again, so that what is behind it is looked at.
@Test func tableWithARightChecksumAndNonsenseInItIsRefusedOrRead() {
  var generator = SeededGenerator()
  var refused = 0
  for _ in 0..<500 {
    var bytes = table(&generator).bytes
    for _ in 0..<Int.random(in: 1...4, using: &generator) {
      let place = Int.random(in: 16..<bytes.count, using: &generator)
      bytes[place] = [0, 1, 0x7f, 0xff].randomElement(using: &generator)!
    }
    let sum = StateTable.checksum(bytes)
    for index in 0..<8 { bytes[24 + index] = UInt8(truncatingIfNeeded: sum >> (index * 8)) }
    do throws(StateFault) { _ = try StateTable(bytes) } catch { refused += 1 }
  }
  #expect(refused > 0)
}

@Test func bytesThatAreNoTableAreRefused() {
  var generator = SeededGenerator()
  for _ in 0..<500 {
    let count = Int.random(in: 0...200, using: &generator)
    let noise = (0..<count).map { _ in UInt8.random(in: 0...255, using: &generator) }
    #expect(throws: StateFault.self) { try StateTable(noise) }
    #expect(throws: StateFault.self) { try StateTable(StateTable.magic + noise) }
  }
}

@Test func tableSaysWhatIsWrongWithIt() {
  func fault(_ bytes: [UInt8]) -> String? {
    do throws(StateFault) { _ = try StateTable(bytes) } catch { return error.description }
    return nil
  }
  var other = StateTable(sequence: 1, devices: []).bytes
  other[8] = 0
  #expect(fault(other) == "it is of version 0")
  #expect(fault([1, 2, 3]) == "it ends too early")
  #expect(fault(Array("nothing of the kind".utf8)) == "it has no header")
  let twice = DeviceTotals(id: "a", count: 0, statistics: InterruptStatistics())
  #expect(
    fault(StateTable(sequence: 1, devices: [twice, twice]).bytes) == "a device is in it twice")
}

@Test func fileGivesTheNewestOfWhatWasSaved() throws {
  var generator = SeededGenerator()
  let file = try StateFile()
  #expect(try StateFile.inherit(file.file).devices.isEmpty)
  var last: [DeviceTotals] = []
  for _ in 0..<5 {
    last = table(&generator).devices
    #expect(file.save(last).saved == last.count)
    #expect(try StateFile.inherit(file.file).devices == last)
  }
  // The next process goes on with it.
  let next = try StateFile.inherit(file.file).file
  #expect(next.save([last.first].compactMap { $0 }).error == 0)
  #expect(try StateFile.inherit(file.file).devices == Array(last.prefix(1)))
}

@Test func saveThatWasCutOffLeavesTheOneBefore() throws {
  var generator = SeededGenerator()
  let file = try StateFile()
  let first = [totals(&generator, 1)]
  #expect(file.save(first).saved == 1)
  #expect(file.save([totals(&generator, 2)]).saved == 1)
  // The second table is in the second place.
  func change(_ place: Int) {
    var byte: UInt8 = 0
    #expect(pread(file.file.raw, &byte, 1, off_t(place)) == 1)
    byte ^= 0x55
    #expect(pwrite(file.file.raw, &byte, 1, off_t(place)) == 1)
  }
  change(StateFile.placeSize + 60)
  #expect(try StateFile.inherit(file.file).devices == first)
  change(60)
  #expect(throws: StateFault("its checksum is wrong")) { try StateFile.inherit(file.file) }
}

@Test func fileThatIsNoneIsRefused() throws {
  #expect(throws: StateFault.self) { try StateFile.inherit(makePipe().reading) }
  let short = FileDescriptor(adopting: linux_memory_create("short", 4096))
  #expect(throws: StateFault.self) { try StateFile.inherit(short) }
}

@Test func ofMoreDevicesThanThereIsRoomForTheFirstAreSaved() throws {
  let file = try StateFile()
  let many = (0..<3000).map {
    DeviceTotals(id: "device-\($0)", count: 1, statistics: InterruptStatistics())
  }
  let (saved, error) = file.save(many)
  #expect(error == 0 && saved > 1000 && saved < 3000)
  #expect(try StateFile.inherit(file.file).devices == Array(many.prefix(saved)))
}

@Test func devicesThatNeverReturnTakeNoRoomFromThosePresent() throws {
  let receiver = try FakeReceiver()
  let bridge = try ServiceManagerBridge(
    ServiceEnvironment(receiver.environment()), journal: .standard)
  let file = try #require(receiver.next()?.descriptors.first)
  // Each comes once and never again.
  for number in 0..<40 {
    bridge.save(
      (0..<100).map {
        DeviceTotals(id: "gone-\(number)-\($0)", count: 1, statistics: InterruptStatistics())
      })
  }
  var present = DeviceTotals(id: "present", count: 7, statistics: InterruptStatistics())
  present.statistics.interrupts = 7
  bridge.save([present])
  let saved = try StateFile.inherit(file).devices
  #expect(saved.first == present)
  #expect(saved.contains { $0.id == "gone-39-0" }, "the last to leave")
  #expect(!saved.contains { $0.id == "gone-0-0" }, "the first to leave")
  #expect(bridge.totals(of: "gone-0-0") == nil)
}

@Test func totalsAtTheirLimitGoOnFromZero() throws {
  var earlier = InterruptStatistics()
  for field in DeviceTotals.fields { earlier[keyPath: field] = .max }
  let line = try SoftwareLine(name: "limit")
  let object = InterruptSyncObject(source: line, mode: .normal)
  object.restoreStatistics(earlier)
  try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger()
  try eventually("the interrupt") { object.statistics().interrupts == 0 }
  #expect(object.statistics().claimed == 0)
  #expect(object.statistics().dispatches == .max)
  #expect(object.dispatchCount == .max)
}

@Test func restoredStatisticsGoOn() throws {
  var earlier = InterruptStatistics()
  for (number, field) in DeviceTotals.fields.enumerated() {
    earlier[keyPath: field] = UInt64(number + 1) * 1_000_000
  }
  let line = try SoftwareLine(name: "restored")
  let object = InterruptSyncObject(source: line, mode: .normal)
  object.restoreStatistics(earlier)
  try object.registerServiceRoutine { .success }
  try object.connect()
  line.trigger(1)
  while object.statistics().claimed == earlier.claimed { usleep(1000) }
  try object.disconnect()
  let now = object.statistics()
  #expect(now.interrupts == earlier.interrupts + 1)
  #expect(now.claimed == earlier.claimed + 1)
  #expect(now.storms == earlier.storms)
  // Through ticks and back.
  #expect(now.longestHold >= earlier.longestHold * 99 / 100)
}
