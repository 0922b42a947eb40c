// A line as the machine shows it, without opening its device: /proc/interrupts, PCI configuration
// space, sharers and threads. Floor 5; interruptsyncctl doctor makes one, on its one thread,
// without a lock. Reads files only; then it is a value.
package import DeviceIdentity
import Glibc

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
  /// The processors that the interrupt may be served on; nil: no interrupt, or not known.
  package let processors: Set<Int>?
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
    processors = irq.flatMap { Procfs(root: proc).processors(ofInterrupt: $0) }
    threads = irq.map { ThreadSchedule.ofInterrupt($0, proc: proc) } ?? []
    mayOpen = NodeAccess(info.path) == .allowed
  }

  /// Platform devices do not say; the table names them.
  private static func number(of name: String, _ proc: String) -> Int? {
    guard !name.isEmpty, let table = try? InterruptTable(proc: proc) else { return nil }
    return table.lines.first { $0.users.contains(name) }?.irq
  }
}

// MARK: /proc/interrupts

/// The kernel's table of interrupts at one moment.
package struct InterruptTable: Equatable, Sendable {
  /// One line of hardware.
  package struct Line: Equatable, Sendable {
    /// The kernel's number.
    package let irq: Int
    /// Interrupts on all processors.
    package let count: UInt64
    /// The names of the handlers on it.
    package let users: [String]
  }

  package let lines: [Line]

  /// Reads the text of the file. Lines of software (NMI, LOC …) are left out.
  package init(_ text: String) {
    let rows = text.split(separator: "\n")
    let processors = rows.first?.split(separator: " ").count ?? 0
    lines = rows.dropFirst().compactMap { row in
      let words = row.split(separator: " ")
      guard let first = words.first, first.hasSuffix(":"), let irq = Int(first.dropLast()) else {
        return nil
      }
      let counts = words.dropFirst().prefix(processors).map { UInt64($0) ?? 0 }
      // Controller, line and trigger come before the users, who are separated by commas.
      let rest = words.dropFirst(1 + processors)
      let place =
        rest.lastIndex { $0.hasSuffix("fasteoi") || $0.hasSuffix("edge") }
        ?? rest.firstIndex { $0.lowercased().hasSuffix("level") }
      let names = rest[(place.map { $0 + 1 } ?? rest.startIndex)...].joined(separator: " ")
      return Line(
        irq: irq, count: counts.reduce(0, +),
        users: names.split(separator: ",").map {
          String($0.drop { $0 == " " })
        })
    }
  }

  /// The machine's own.
  package init(proc: String = "/proc") throws(SystemError) {
    self.init(try FileDescriptor.wholeText("\(proc)/interrupts"))
  }

  package func line(_ irq: Int) -> Line? { lines.first { $0.irq == irq } }
}
