// A driver for QEMU's edu device: computes factorials; an interrupt says when one is done.
// Registers: QEMU's manual, "EDU device". Run as root or as a member of the group uio:
//   edu-example 1234:11e8 5
import InterruptSync

/// The device, its registers, and how many factorials it has computed.
final class EduDriver: Sendable {
  private enum Register {
    static let factorial = 0x08
    static let status = 0x20
    static let interruptStatus = 0x24
    static let acknowledge = 0x64
  }
  private static let interruptWhenDone: UInt32 = 0x80

  private let registers: RegisterRegion
  /// The state is the number of factorials done; only routines and synchronized bodies reach it.
  private let interrupt: Interrupt<UInt32>
  private let done: DeferredQueue

  init(_ id: String) throws {
    let device = try UIODevice(UIODeviceID(id))
    registers = try device.region(bar: 0)
    interrupt = Interrupt(0, source: try UIOLine(device), mode: .normal)
    done = try DeferredQueue(name: "edu-done")
  }

  /// Computes `count` factorials, 1! to count!, and hands each to `use` outside of the interrupt.
  func run(_ count: UInt32, _ use: @escaping @Sendable (UInt32) -> Void) throws {
    let report = DeferredRoutine(on: done) { [registers] in
      use((try? registers.read32(at: Register.factorial)) ?? 0)
    }
    // Ours when the device says so; silence it, leave the rest for later, claim.
    try interrupt.register { [registers] completed in
      do throws(UIOError) {
        let status = try registers.read32(at: Register.interruptStatus)
        guard status != 0 else { return .notMine }
        try registers.write32(status, at: Register.acknowledge)
        completed += 1
        report.enqueue()
        return .claimed
      } catch { return .notMine }
    }
    try registers.write32(Self.interruptWhenDone, at: Register.status)
    try interrupt.connect()
    for number in 1...count {
      try registers.write32(number, at: Register.factorial)
      while try interrupt.synchronize({ $0 }) < number { pause() }
      try done.flush()
    }
    try interrupt.disconnect()
  }
}
