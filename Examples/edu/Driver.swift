// A driver for QEMU's edu device: computes factorials and is told by an interrupt when one is done.
// Registers: QEMU's manual, "EDU device". Run as root or as a member of the group uio:
//   edu-example pci-0000:00:03.0 5
import InterruptSync
import UIO

/// The device, its registers, and what its service routine has to say.
final class EduDriver: @unchecked Sendable {
  private enum Register {
    static let factorial = 0x08
    static let status = 0x20
    static let interruptStatus = 0x24
    static let acknowledge = 0x64
  }
  private static let interruptWhenDone: UInt32 = 0x80

  private let registers: RegisterRegion
  private let interrupt: InterruptSyncObject
  private let done: DeferredQueue
  /// Under the interrupt lock.
  private var completed = 0

  init(_ id: String) throws {
    let device = try UIODevice(UIODeviceID(id))
    registers = try device.region(bar: 0)
    interrupt = InterruptSyncObject(source: try UIOLine(device), mode: .normal)
    done = try DeferredQueue(name: "edu-done")
  }

  /// Computes `count` factorials, 1! to count!, and hands each to `use` outside of the interrupt.
  func run(_ count: UInt32, _ use: @escaping @Sendable (UInt32) -> Void) throws {
    let report = DeferredRoutine(on: done) { [registers] in
      use((try? registers.read32(at: Register.factorial)) ?? 0)
    }
    try interrupt.registerServiceRoutine { [unowned self] in service(report) }
    try registers.write32(Self.interruptWhenDone, at: Register.status)
    try interrupt.connect()
    for number in 1...count {
      try registers.write32(number, at: Register.factorial)
      while try interrupt.callSynchronizedRoutine({ completed }) < number { pause() }
      try done.flush()
    }
    try interrupt.disconnect()
  }

  /// Ours when the device says so; silence it, leave the rest for later, claim.
  private func service(_ report: DeferredRoutine) -> NTStatus {
    do throws(UIOError) {
      let status = try registers.read32(at: Register.interruptStatus)
      guard status != 0 else { return .unsuccessful }
      try registers.write32(status, at: Register.acknowledge)
      completed += 1
      report.enqueue()
      return .success
    } catch { return .unsuccessful }
  }
}
