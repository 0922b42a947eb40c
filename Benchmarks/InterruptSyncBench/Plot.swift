// Latency distributions as an SVG: percentiles to the right, each nine as wide as the one before,
// latency upwards on a logarithmic scale.
import Glibc

struct Plot {
  let title: String
  let curves: [Distribution]
  /// From what to what.
  var interval = "signal to routine"

  private static let (width, height) = (860.0, 480.0)
  private static let (left, top, right, bottom) = (70.0, 40.0, 230.0, 50.0)
  private static let colors = [
    "#1b6ca8", "#c0392b", "#27803b", "#8e44ad", "#d68910", "#16a085", "#5d6d7e", "#a04000",
    "#2c3e50", "#b03a7b",
  ]
  /// Nines shown: to 99.99 %.
  private static let nines = 4.0

  func svg() -> String {
    let bounds = decades()
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\" "
        + "font-family=\"sans-serif\" font-size=\"12\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      text(Self.left, 22, title, size: 15),
    ]
    lines += grid(bounds)
    for (index, curve) in curves.enumerated() {
      let color = Self.colors[index % Self.colors.count]
      let points = stride(from: 0.0, through: Self.nines, by: 0.02).map { nine -> String in
        let latency = curve.all.percentile(1 - pow(10, -nine))
        return "\(rounded(x(nine))),\(rounded(y(latency, bounds)))"
      }
      lines.append(
        "<polyline fill=\"none\" stroke=\"\(color)\" stroke-width=\"1.6\" points=\"\(points.joined(separator: " "))\"/>"
      )
      let row = Self.top + 14 + Double(index) * 18
      let column = Self.width - Self.right + 12
      lines.append(
        "<rect x=\"\(column)\" y=\"\(row - 9)\" width=\"12\" height=\"3\" fill=\"\(color)\"/>")
      lines.append(text(column + 18, row - 3, curve.name))
    }
    return (lines + ["</svg>"]).joined(separator: "\n")
  }

  /// Powers of ten around all latencies, in nanoseconds.
  private func decades() -> ClosedRange<Int> {
    let smallest = curves.map { $0.all.percentile(0.001) }.filter { $0 > 0 }.min() ?? 100
    let largest = curves.map { $0.all.percentile(1 - pow(10, -Self.nines)) }.max() ?? 1e6
    let low = Int(log10(max(smallest, 1)).rounded(.down))
    return low...max(low + 1, Int(log10(max(largest, 10)).rounded(.up)))
  }

  private func grid(_ bounds: ClosedRange<Int>) -> [String] {
    let end = Self.width - Self.right
    var lines: [String] = []
    for decade in bounds {
      let height = y(pow(10, Double(decade)), bounds)
      lines.append(line(Self.left, height, end, height))
      lines.append(text(8, height + 4, Self.label(decade)))
    }
    for (nine, name) in [
      (0.0, "0"), (0.30103, "50"), (1, "90"), (2, "99"), (3, "99.9"), (4, "99.99"),
    ] {
      lines.append(line(x(nine), Self.top, x(nine), Self.height - Self.bottom))
      lines.append(text(x(nine) - 12, Self.height - Self.bottom + 18, name))
    }
    lines.append(text(Self.left, Self.height - 10, "percentile; \(interval)"))
    return lines
  }

  private static func label(_ decade: Int) -> String {
    let units = ["ns", "µs", "ms", "s"]
    let unit = min(max(decade, 0) / 3, units.count - 1)
    return "\(Int(pow(10.0, Double(decade - unit * 3)))) \(units[unit])"
  }

  private func x(_ nine: Double) -> Double {
    Self.left + nine / Self.nines * (Self.width - Self.left - Self.right)
  }

  private func y(_ nanoseconds: Double, _ bounds: ClosedRange<Int>) -> Double {
    let span = Double(bounds.upperBound - bounds.lowerBound)
    let share = (log10(max(nanoseconds, 1)) - Double(bounds.lowerBound)) / span
    return Self.height - Self.bottom - share * (Self.height - Self.top - Self.bottom)
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double) -> String {
    "<line x1=\"\(rounded(x1))\" y1=\"\(rounded(y1))\" x2=\"\(rounded(x2))\" y2=\"\(rounded(y2))\" stroke=\"#dddddd\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ string: String, size: Int = 12) -> String {
    "<text x=\"\(rounded(x))\" y=\"\(rounded(y))\" font-size=\"\(size)\">\(string)</text>"
  }

  private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
