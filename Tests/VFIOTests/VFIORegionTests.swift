// Registers and configuration space of a VFIO device (V9, V20, V30 to V32).
import CUIO
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import VFIO

@Test func V30_aBARIsMappedAndOneThatCannotBeIsReadByCalls() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let mapped = try device.region(bar: 0)
  #expect(mapped.kind == .memory && mapped.size == 8192)
  try mapped.write32(0x1234_5678, at: 4096)
  var value: UInt32 = 0
  #expect(pread(fake.device.raw, &value, 4, 4096) == 4 && value == 0x1234_5678)

  let called = try device.region(bar: 2)
  #expect(called.kind == .port && called.size == 256)
  try called.write16(0xbeef, at: 0x10)
  var half: UInt16 = 0
  #expect(pread(fake.device.raw, &half, 2, off_t(2 * FakeVFIO.spacing) + 0x10) == 2)
  #expect(half == 0xbeef)
  #expect(try called.read16(at: 0x10) == 0xbeef)
  #expect(throws: UIOError.self) { try called.read32(at: 254) }

  fake.state.withLock { $0.isMappable = false }
  #expect(try device.region(bar: 0).kind == .port)
}

@Test func V30_aBARThatIsNotThereIsRefused() throws {
  let device = try FakeVFIO().open()
  for number in [1, 6, -1] {
    do throws(UIOError) {
      _ = try device.region(bar: number)
      Issue.record("there is a BAR \(number)")
    } catch { #expect(error.code == .noSuchRegion) }
  }
}

@Test func V32_theConfigurationSpaceIsReadAndWritten() throws {
  let fake = try FakeVFIO()
  let configuration = try fake.open().configuration()
  #expect(configuration.size == 4096)
  try configuration.write16(0x4321, at: 0x2c)
  #expect(fake.configuration(at: 0x2c) == 0x21 && fake.configuration(at: 0x2d) == 0x43)
}

@Test func V20_busMasteringChangesOneBitOfCommand() throws {
  let fake = try FakeVFIO()
  fake.write([0x02, 0x01], at: 4)
  let device = try fake.open()
  try device.setBusMaster(true)
  #expect(fake.configuration(at: 4) == 6 && fake.configuration(at: 5) == 1)
  try device.setBusMaster(false)
  #expect(fake.configuration(at: 4) == 2 && fake.configuration(at: 5) == 1)
}

@Test func V31_registersAreRemovedDuringAResetAndThereAgainAfterwards() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let region = try device.region(bar: 0)
  let codes = Counts()
  fake.duringReset.withLock {
    $0 = {
      do throws(UIOError) { _ = try region.read32(at: 0) } catch {
        if error.code == .removed { codes.add() }
      }
    }
  }
  try device.reset()
  #expect(codes.value == 1)
  #expect(try region.read32(at: 0) == 0)
  #expect(fake.state.withLock { $0.resets } == 1)
}

@Test func V9_aFunctionWithoutAResetSaysSo() throws {
  let fake = try FakeVFIO { $0.canReset = 0 }
  let device = try fake.open()
  #expect(!device.canReset)
  do throws(UIOError) {
    try device.reset()
    Issue.record("it was reset")
  } catch { #expect(error.code == .unsupported && error.errno?.rawValue == EINVAL) }
}

@Test func V31_aDeviceThatReadsAsOnesHasGone() throws {
  let fake = try FakeVFIO()
  let device = try fake.open()
  let region = try device.region(bar: 0)
  #expect(device.isAlive)
  fake.write([0xff, 0xff, 0xff, 0xff], at: 8)
  #expect(!device.isAlive)
  #expect(throws: UIOError.self) { try region.read32(at: 0) }
}
