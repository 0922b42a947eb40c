// Latency distributions as an SVG: percentiles to the right, each nine as wide as the one before,
// latency upwards on a logarithmic scale.
import Glibc

struct Plot {
  let title: String
  /// The machine, and when.
  let place: String
  let curves: [Distribution]
  /// From what to what.
  var interval = "signal to routine"

  private static let (width, height) = (860.0, 480.0)
  private static let (left, top, right, bottom) = (70.0, 60.0, 230.0, 50.0)
  /// On a light page and on a dark one.
  private static let colors = [
    ("#1b6ca8", "#58a6ff"), ("#c0392b", "#ff7b72"), ("#27803b", "#56d364"),
    ("#8e44ad", "#d2a8ff"), ("#b35900", "#ffa657"), ("#0e7a6b", "#39d3bb"),
    ("#5d6d7e", "#b1bac4"), ("#8a3800", "#e3b341"), ("#2c3e50", "#a5d6ff"),
    ("#b03a7b", "#ff9bce"),
  ]
  /// Nines shown: to 99.99 %.
  private static let nines = 4.0

  func svg() -> String {
    let bounds = decades()
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 \(Int(Self.width)) \(Int(Self.height))\" "
        + "width=\"\(Int(Self.width))\" height=\"\(Int(Self.height))\" role=\"img\" font-family=\"sans-serif\" "
        + "font-size=\"12\"><title>\(Report.escaped(title))</title>",
      Self.style(),
      "<rect class=\"ground\" width=\"100%\" height=\"100%\"/>",
      text(Self.left, 22, title, size: 15),
      text(Self.left, 42, place),
    ]
    lines += grid(bounds)
    for (index, curve) in curves.enumerated() {
      let color = "c\(index % Self.colors.count)"
      let points = stride(from: 0.0, through: Self.nines, by: 0.02).map { nine -> String in
        let latency = curve.all.percentile(1 - pow(10, -nine))
        return "\(rounded(x(nine))),\(rounded(y(latency, bounds)))"
      }
      lines.append(
        "<polyline class=\"\(color)\" fill=\"none\" stroke-width=\"1.6\" points=\"\(points.joined(separator: " "))\"/>"
      )
      let row = Self.top + 14 + Double(index) * 18
      let column = Self.width - Self.right + 12
      lines.append(
        "<path class=\"\(color)\" stroke-width=\"3\" d=\"M\(column) \(row - 7)h12\"/>")
      lines.append(text(column + 18, row - 3, curve.name))
    }
    return (lines + ["</svg>"]).joined(separator: "\n")
  }

  private static func style() -> String {
    func rules(_ color: ((String, String)) -> String) -> String {
      colors.enumerated().map { ".c\($0) { stroke: \(color($1)) }" }.joined(separator: " ")
    }
    return """
      <style>
      .ground { fill: #ffffff } text { fill: #1f2328 } .grid { stroke: #d1d9e0 } \(rules { $0.0 })
      @media (prefers-color-scheme: dark) {
        .ground { fill: #0d1117 } text { fill: #e6edf3 } .grid { stroke: #3d444d } \(rules { $0.1 })
      }
      </style>
      """
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
    "<line x1=\"\(rounded(x1))\" y1=\"\(rounded(y1))\" x2=\"\(rounded(x2))\" y2=\"\(rounded(y2))\" class=\"grid\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ string: String, size: Int = 12) -> String {
    "<text x=\"\(rounded(x))\" y=\"\(rounded(y))\" font-size=\"\(size)\">\(Report.escaped(string))</text>"
  }

  private func rounded(_ value: Double) -> Double { (value * 10).rounded() / 10 }
}
