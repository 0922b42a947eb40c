import FoundationEssentials
import Glibc

/// One bar: ours beside a peer's, measured in turns in one run.
struct Measurement: Encodable {
  var name: String
  var ours: Double
  var peer: Double
  var unit: String
  var ratio: Double
  var bar: Double
  var met: Bool
  /// Smallest and largest ratio of a round.
  var spread: [Double]

  init(_ name: String, ours: [Double], peer: [Double], unit: String, bar: Double) {
    let ratios = zip(ours, peer).map { $0 / $1 }
    self.name = name
    self.ours = Self.median(ours)
    self.peer = Self.median(peer)
    self.unit = unit
    ratio = Self.median(ratios)
    self.bar = bar
    met = ratio <= bar
    spread = [ratios.min() ?? 0, ratios.max() ?? 0]
  }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}

enum Report {
  static func table(_ rows: [Measurement]) -> String {
    let header = ["what", "ours", "peer", "unit", "ratio", "spread", "bar", "met"]
    let cells = rows.map { row in
      [
        row.name, text(row.ours, 1), text(row.peer, 1), row.unit, text(row.ratio, 3),
        row.spread.map { text($0, 3) }.joined(separator: "-"), text(row.bar, 2),
        row.met ? "yes" : "NO",
      ]
    }
    let widths = header.indices.map { column in
      ([header] + cells).map { $0[column].count }.max() ?? 0
    }
    return ([header] + cells).map { line in
      zip(line, widths).map { $0 + String(repeating: " ", count: $1 - $0.count) }.joined(
        separator: "  ")
    }.joined(separator: "\n")
  }

  static func json(_ rows: [Measurement]) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
    return String(decoding: try encoder.encode(rows), as: UTF8.self)
  }

  private static func text(_ value: Double, _ digits: Int) -> String {
    let scale = pow(10.0, Double(digits))
    let rounded = Int((value * scale).rounded())
    let fraction = String(rounded % Int(scale))
    let padding = String(repeating: "0", count: digits - fraction.count)
    return "\(rounded / Int(scale)).\(padding)\(fraction)"
  }
}
