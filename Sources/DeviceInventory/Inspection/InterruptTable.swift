// /proc/interrupts: what the kernel counts, and who shares a line.
package import UIO

/// The kernel's table of interrupts at one moment.
package struct InterruptTable: Equatable, Sendable {
  /// One line of hardware.
  package struct Line: Equatable, Sendable {
    /// The kernel's number.
    package let irq: Int
    /// Interrupts on all processors.
    package let count: UInt64
    /// The names of those who asked for it.
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
  package init(proc: String = "/proc") throws(SystemFailure) {
    self.init(try FileDescriptor.wholeText("\(proc)/interrupts"))
  }

  package func line(_ irq: Int) -> Line? { lines.first { $0.irq == irq } }
}
