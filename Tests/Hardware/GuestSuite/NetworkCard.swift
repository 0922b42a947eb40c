// An e1000e (Intel 82574) below a root port that can be unplugged, as cases use it: its four queues have a vector of
// MSI-X each, which software raises. QEMU's card does not send two messages of a vector within 128 µs; after it has put
// one off it may send more than it should, so that routines claim by the cause. Names and places of registers are those
// of Intel's data sheet of the 82574, 10.2.
import Glibc
import InterruptSync
import UIO
import VFIO
import Varlink

enum NetworkCard {
  static let address = "0000:01:00.0"
  static let port = "0000:00:0d.0"
  static let id = "pci-\(address)"
  static let vectors = 4

  /// Device Status, which reading does not change.
  static let status = 0x08
  /// Interrupt Cause Set: a write of causes raises them.
  static let raise = 0xc8
  /// Interrupt Cause Read: those that stand. A write of causes withdraws them.
  static let causes = 0xc0

  /// The cause of a vector's queue.
  static func cause(_ vector: Int) -> UInt32 { 1 << UInt32(20 + vector) }

  /// What has the card send a message for each queue's cause: registers and values, in this order.
  static let settings: [(register: Int, value: UInt32)] = [
    // IMC, and ICR: nothing stands.
    (0xd8, .max), (causes, .max),
    // CTRL_EXT: messages by MSI-X and its pending bits.
    (0x18, 1 << 31),
    // IVAR: queue N by vector N, each valid.
    (0xe4, (0..<4).reduce(0) { $0 | UInt32(8 | $1) << UInt32(4 * $1) }),
    // IMS.
    (0xd0, (0..<4).reduce(0) { $0 | cause($1) }),
  ]

  /// Opens it at vfio-pci, and has its queues interrupt.
  static func open(report: (@Sendable (VFIOReport) -> Void)? = nil) throws -> (
    device: VFIODevice, registers: RegisterRegion
  ) {
    let device = try Guest.openVFIO(address, report: report)
    let registers = try device.region(bar: 0)
    for (register, value) in settings { try registers.write32(value, at: register) }
    return (device, registers)
  }

  // MARK: Slot

  static var isThere: Bool { access(Guest.pci(address), F_OK) == 0 }

  /// Undoes what a failed case has left.
  static func plugIfMissing() throws { if !isThere { try plug() } }

  /// Plugs a card in, and returns once the kernel has found it.
  static func plug() throws {
    // QEMU ejects the old one some time after the kernel has removed it.
    try Guest.waitFor("the slot to be empty", seconds: 60) {
      try Emulator.run("qom-list", ["path": "/machine/peripheral"]).array?.contains {
        $0.object?["name"]?.string == "nic"
      } == false
    }
    try Emulator.run(
      "device_add", ["driver": "e1000e", "id": "nic", "bus": "bay", "romfile": ""])
    try Guest.waitFor("the kernel to find the card", seconds: 60) { isThere }
  }

  /// Presses the button of the slot, as QEMU does it for the host's operator: the kernel takes the card out of use five
  /// seconds later.
  static func pressButton() throws { try Emulator.run("device_del", ["id": "nic"]) }

  /// Takes the slot's power away, and returns once the kernel has.
  static func powerOff() throws {
    let slots = "/sys/bus/pci/slots"
    for slot in try FileDescriptor.list(slots)
    where try Guest.text("\(slots)/\(slot)/address") == "0000:01:00" {
      try expectEqual(Guest.write("0", to: "\(slots)/\(slot)/power"), 0, "power of slot \(slot)")
      return
    }
    throw Failure(description: "no slot has the card")
  }
}
