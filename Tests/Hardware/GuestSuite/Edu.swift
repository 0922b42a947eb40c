// QEMU's educational device (docs/specs/edu in QEMU's manual): raise, status, acknowledge.
import InterruptSync
import UIO

/// An edu with a service routine that acknowledges and, as long as it is told to, raises the next
/// interrupt.
final class Edu: @unchecked Sendable {
  static let raise = 0x60
  static let status = 0x24
  static let acknowledge = 0x64

  let device: UIODevice
  let registers: RegisterRegion
  /// Belongs to the routine; read it when the line is quiet, or synchronized.
  var remaining = 0
  var serviced = 0
  var errors = 0
  /// A plain counter for tests of exclusion.
  var plain = 0
  var isAcknowledging = true

  init(_ address: String) throws {
    device = try Guest.open(address)
    registers = try device.region(bar: 0)
    // Not interrupting before it is connected.
    try registers.write32(.max, at: Edu.acknowledge)
  }

  func routine() -> NTStatus {
    do throws(UIOError) {
      let status = try registers.read32(at: Edu.status)
      if status == 0 || !isAcknowledging { return .unsuccessful }
      try registers.write32(status, at: Edu.acknowledge)
      serviced += 1
      plain += 1
      if remaining > 0 {
        remaining -= 1
        try registers.write32(1, at: Edu.raise)
      }
      return .success
    } catch {
      errors += 1
      return .unsuccessful
    }
  }

  func object(
    mode: InterruptSyncMode = .normal, options: InterruptSyncOptions = InterruptSyncOptions()
  ) throws -> InterruptSyncObject {
    let object = InterruptSyncObject(source: try UIOLine(device), mode: mode, options: options)
    try object.registerServiceRoutine { [self] in routine() }
    return object
  }

  /// Starts a chain of `count` interrupts, each raised by the routine of the one before.
  func chain(_ count: Int, through object: InterruptSyncObject) throws {
    try object.callSynchronizedRoutine {
      self.serviced = 0
      self.remaining = count - 1
    }
    try registers.write32(1, at: Edu.raise)
  }
}
