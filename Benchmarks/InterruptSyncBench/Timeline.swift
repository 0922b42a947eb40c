// The history of a machine as an SVG: a strip for each row that has a bar, runs to the right, the ratio
// to the bar upwards. The line across is the bar; what is above it misses it.

struct Timeline {
  let title: String
  let runs: [Run]

  private static let (width, strip, top, label) = (1200.0, 44.0, 50.0, 720.0)
  /// Ratios to the bar at a strip's lower and upper edge.
  private static let (lowest, highest) = (0.5, 1.5)
  /// The runs drawn.
  private static let most = 40

  func svg() -> String {
    let shown = runs.suffix(Self.most)
    var names: [String] = []
    for row in shown.flatMap(\.rows) where (row.bar ?? 0) > 0 && !names.contains(row.name) {
      names.append(row.name)
    }
    let last = shown.last.map { "\($0.date), \($0.revision)" } ?? ""
    let height = Self.top + Double(names.count) * Self.strip + 10
    var lines = [
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"\(Int(Self.width))\" height=\"\(Int(height))\" "
        + "font-family=\"sans-serif\" font-size=\"11\">",
      "<rect width=\"100%\" height=\"100%\" fill=\"white\"/>",
      "<text x=\"10\" y=\"20\" font-size=\"14\">\(Report.escaped(title))</text>",
      "<text x=\"10\" y=\"38\">Runs: \(shown.count). The last: \(last)</text>",
    ]
    for (index, name) in names.enumerated() {
      lines += strip(name, Array(shown), top: Self.top + Double(index) * Self.strip)
    }
    return (lines + ["</svg>"]).joined(separator: "\n")
  }

  private func strip(_ name: String, _ shown: [Run], top: Double) -> [String] {
    let step = (Self.width - Self.label - 20) / Double(max(shown.count, 2) - 1)
    func height(_ share: Double) -> Double {
      let clamped = min(max(share, Self.lowest), Self.highest)
      let part = (Self.highest - clamped) / (Self.highest - Self.lowest)
      return top + 4 + part * (Self.strip - 8)
    }
    var points: [String] = []
    var marks: [String] = []
    var last = ""
    for (index, run) in shown.enumerated() {
      guard let row = run.rows.first(where: { $0.name == name }), let ratio = row.ratio,
        let bar = row.bar
      else { continue }
      let x = Self.label + Double(index) * step
      points.append("\(rounded(x)),\(rounded(height(ratio / bar)))")
      marks.append(
        "<line x1=\"\(rounded(x))\" y1=\"\(rounded(height(row.interval[0] / bar)))\" x2=\"\(rounded(x))\" "
          + "y2=\"\(rounded(height(row.interval[1] / bar)))\" stroke=\"\(row.met == false ? "#c0392b" : "#1b6ca8")\" "
          + "stroke-width=\"3\"/>")
      last = "\(rounded(ratio, 1000)) of \(rounded(bar, 1000))"
    }
    let bar = rounded(height(1))
    return [
      "<text x=\"10\" y=\"\(top + Self.strip / 2 + 4)\">\(Report.escaped(name)): \(last)</text>",
      "<line x1=\"\(Self.label)\" y1=\"\(bar)\" x2=\"\(Self.width - 20)\" y2=\"\(bar)\" stroke=\"#999999\"/>",
      "<polyline fill=\"none\" stroke=\"#1b6ca8\" points=\"\(points.joined(separator: " "))\"/>",
    ] + marks
  }

  private func rounded(_ value: Double, _ scale: Double = 10) -> Double {
    (value * scale).rounded() / scale
  }
}
