// What can be seen of a device's line from outside: through sysfs and /proc, without touching it.
import Glibc
package import UIO

/// A device's interrupt line at one moment.
package struct LineInspection: Equatable, Sendable {
  /// The device as sysfs describes it.
  package let info: UIODeviceInfo
  /// The kernel's number; nil when the device has none.
  package let irq: Int?
  /// PCI COMMAND keeps the line from interrupting (INTx Disable, fact 42); nil: no PCI function, or
  /// not readable.
  package let isMasked: Bool?
  /// The device asks for service (PCI STATUS, Interrupt Status); nil as above.
  package let isPending: Bool?
  /// Others on the same line.
  package let sharers: [String]
  /// Interrupts of the line since the machine started.
  package let lineCount: UInt64?
  /// The kernel's threads of the line (fact 53).
  package let threads: [ThreadSchedule]
  /// Whether this process may open the node for reading and writing.
  package let mayOpen: Bool

  package init(_ info: UIODeviceInfo, sysfs: Sysfs = .system, proc: String = "/proc") {
    self.info = info
    let bus = info.stableID.split(separator: "-", maxSplits: 1)
    let name = bus.count > 1 ? String(bus[1].split(separator: "+")[0]) : ""
    let folder = "\(sysfs.root)/class/uio/uio\(info.number)/device"
    let number = info.pci?.irq ?? Self.number(of: name, proc)
    irq = number == 0 ? nil : number
    let configuration =
      info.pci == nil ? [] : (try? FileDescriptor.contents("\(folder)/config")) ?? []
    // COMMAND bit 10 and STATUS bit 3.
    isMasked = configuration.count >= 8 ? configuration[5] & 0x04 != 0 : nil
    isPending = configuration.count >= 8 ? configuration[6] & 0x08 != 0 : nil
    let line = irq.flatMap { irq in (try? InterruptTable(proc: proc))?.line(irq) }
    lineCount = line?.count
    var others = line?.users ?? []
    // One of them is this device's own.
    if let own = others.firstIndex(of: info.name) ?? others.firstIndex(of: info.driver ?? "") {
      others.remove(at: own)
    }
    sharers = others
    threads = irq.map { ThreadSchedule.ofInterrupt($0, proc: proc) } ?? []
    // Opening it could disturb: some drivers keep one user only.
    mayOpen = unsafe access(info.path, R_OK | W_OK) == 0
  }

  /// Platform devices do not say; the table names them.
  private static func number(of name: String, _ proc: String) -> Int? {
    guard !name.isEmpty, let table = try? InterruptTable(proc: proc) else { return nil }
    return table.lines.first { $0.users.contains(name) }?.irq
  }
}
