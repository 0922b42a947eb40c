import FoundationEssentials
import Glibc

enum Report {
  static func table(_ rows: [Measurement]) -> String {
    let header = ["what", "ours", "peer", "unit", "ratio", "95 %", "bar", "met"]
    let cells = rows.map { row in
      [
        row.name, text(row.ours, 1), row.peer.map { text($0, 1) } ?? "", row.unit,
        row.ratio.map { text($0, 3) } ?? "",
        row.interval.map { text($0, 3) }.joined(separator: "-"),
        row.bar.map { text($0, 2) } ?? "",
        row.verdict,
      ]
    }
    return aligned([header] + cells)
  }

  /// What each server took, in microseconds.
  static func table(_ title: String, _ distributions: [Distribution]) -> String {
    let header = [title, "median", "99 %", "99.9 %", "largest", "unit"]
    let cells = distributions.map { distribution in
      [distribution.name]
        + [0.5, 0.99, 0.999].map { text(Measurement.median(distribution.percentiles($0)), 1) }
        + [text(Double(distribution.all.largest) / 1000, 1), "µs"]
    }
    return aligned([header] + cells)
  }

  private static func aligned(_ lines: [[String]]) -> String {
    let widths = (lines.first ?? []).indices.map { column in
      lines.map { $0[column].count }.max() ?? 0
    }
    return lines.map { line in
      zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(
        separator: "  ")
    }.joined(separator: "\n")
  }

  static func json(_ value: some Encodable, isPretty: Bool = true) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = isPretty ? [.prettyPrinted, .sortedKeys] : [.sortedKeys]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }

  /// Draws latencies into a file of the title's name.
  ///
  /// - Parameter place: What they were measured in, if it was not this machine itself.
  static func plot(
    _ title: String, _ found: [Distribution], interval: String = "signal to routine",
    place: String? = nil, in folder: String
  ) throws {
    let name = String(title.map { $0.isLetter || $0.isNumber ? $0 : "-" })
    let machine = MachineDescription()
    let plot = Plot(
      title: title, place: "\(place.map { "\($0) on " } ?? "")\(machine.line); \(machine.date)",
      curves: found, interval: interval)
    try write(plot.svg(), to: "\(folder)/\(name).svg")
  }

  /// A text as an SVG has it.
  static func escaped(_ text: String) -> String {
    text.split(separator: "&", omittingEmptySubsequences: false).joined(separator: "&amp;")
      .split(separator: "<", omittingEmptySubsequences: false).joined(separator: "&lt;")
  }

  static func write(_ text: String, to path: String) throws {
    guard let file = unsafe fopen(path, "w") else {
      throw BenchmarkFailure(
        unsafe "\(path) cannot be written: \(String(cString: unsafe strerror(errno)))")
    }
    unsafe fputs(text + "\n", file)
    unsafe fclose(file)
  }

  static func text(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10.0, Double(digits))
    let rounded = Int((value * scale).rounded())
    let fraction = String(rounded % Int(scale))
    let padding = String(repeating: "0", count: digits - fraction.count)
    return "\(rounded / Int(scale)).\(padding)\(fraction)"
  }
}
