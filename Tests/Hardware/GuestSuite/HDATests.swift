// Intel HD Audio: a codec that wakes the controller raises interrupts without any DMA (T10). The
// register numbers are from the High Definition Audio Specification 1.0a, section 3.3.
import InterruptSync
import UIO

enum HDATests {
  static let cases = [
    Case("T10_sharedRoutineDeclinesWhenItsGlobalBitIsClear", wake)
  ]

  private static let globalControl = 0x08
  private static let wakeEnable = 0x0c
  private static let stateStatus = 0x0e
  private static let interruptControl = 0x20
  private static let interruptStatus = 0x24

  /// Every reset of the controller makes the codec report a state change, which interrupts.
  private static func wake() throws {
    let device = try Guest.open(Guest.hda)
    let registers = try device.region(bar: 0)
    let object = InterruptSyncObject(source: try UIOLine(device), mode: .normal)
    let declined = try object.registerServiceRoutine {
      // A routine that shares the line, and whose own source is never pending.
      .unsuccessful
    }
    let own = try object.registerServiceRoutine { service(registers) }
    try object.connect()
    for round in 1...50 {
      try reset(registers)
      try Guest.waitFor("wake-up \(round)") { own.statistics.claims >= UInt64(round) }
    }
    try object.disconnect()
    try expectEqual(own.statistics.claims, 50, "claims")
    try expectEqual(declined.statistics.claims, 0, "claims of the other routine")
    try expectEqual(
      declined.statistics.calls, object.statistics().dispatches, "calls of the other routine")
    try expect(object.statistics().unclaimed <= 1, "unclaimed: \(object.statistics().unclaimed)")
  }

  private static func service(_ registers: RegisterRegion) -> NTStatus {
    do throws(UIOError) {
      guard try registers.read32(at: interruptStatus) & 1 << 31 != 0 else { return .unsuccessful }
      try registers.write16(try registers.read16(at: stateStatus), at: stateStatus)
      return .success
    } catch { return .unsuccessful }
  }

  /// After it the codec wakes the controller, which interrupts.
  static func reset(_ registers: RegisterRegion) throws {
    try registers.write32(0, at: globalControl)
    try Guest.waitFor("the reset to begin") { try registers.read32(at: globalControl) & 1 == 0 }
    try registers.write16(0x7fff, at: wakeEnable)
    try registers.write32(1 << 31 | 1 << 30, at: interruptControl)
    try registers.write32(1, at: globalControl)
    try registers.write16(0x7fff, at: wakeEnable)
    try registers.write32(1 << 31 | 1 << 30, at: interruptControl)
  }
}
