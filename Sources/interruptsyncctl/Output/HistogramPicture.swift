// Floor 7. A histogram as a picture: SVG that stands alone and follows the reader's light or dark
// theme. A pure function.
import Glibc
import InterruptSyncClient
import LinuxSystem

/// Bars over a logarithmic axis of time, with lines at the percentiles.
struct HistogramPicture {
  private static let (width, height) = (840.0, 420.0)
  private static let (left, right, top, bottom) = (72.0, 24.0, 112.0, 56.0)

  private let histogram: DeviceHistogram
  private let title: String
  /// Nanoseconds at both ends of the axis.
  private let first: Double
  private let last: Double

  init(_ histogram: DeviceHistogram, title: String) {
    self.histogram = histogram
    self.title = title
    let lower = Double(histogram.buckets.first?.lower.nanoseconds ?? 100)
    let upper = Double(histogram.buckets.last?.upper.nanoseconds ?? 1_000_000)
    // A little air at both ends, and a factor of two at least, so that one bucket is a bar.
    first = max(min(lower, upper / 2), 1) / 1.15
    last = max(upper, lower * 2) * 1.15
  }

  var text: String {
    """
    <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 840 420" role="img" \
    aria-label="\(Self.escaped(title))">
    <style>
      svg { background: #fff; color: #1f2328; font: 13px system-ui, sans-serif; }
      text { fill: currentColor; }
      .title { font-size: 16px; font-weight: 600; }
      .small { fill-opacity: .75; }
      .axis, .grid { stroke: currentColor; }
      .grid { stroke-opacity: .15; }
      .bar { fill: #2f6fb5; }
      .mark { stroke: #b3411e; stroke-dasharray: 4 3; }
      .name { fill: #b3411e; }
      @media (prefers-color-scheme: dark) {
        svg { background: #15191e; color: #e6e8eb; }
        .bar { fill: #6aa9ea; }
        .mark { stroke: #f0986f; }
        .name { fill: #f0986f; }
      }
    </style>
    <rect width="840" height="420" fill="none"/>
    <text class="title" x="\(Self.number(Self.left))" y="28">\(Self.escaped(title))</text>
    <text class="small" x="\(Self.number(Self.left))" y="48">\(Self.escaped(summary))</text>
    \((grid + bars + marks).joined(separator: "\n"))
    </svg>

    """
  }

  private var summary: String {
    guard histogram.count > 0 else { return "no times yet" }
    let mean = Duration.nanoseconds(Int64(clamping: histogram.sum.nanoseconds / histogram.count))
    return "\(counted(histogram.count, "time")), mean \(Format.brief(mean))"
  }

  // MARK: Parts

  private func x(_ nanoseconds: Double) -> Double {
    let part = log(max(nanoseconds, first) / first) / log(last / first)
    return Self.left + min(part, 1) * (Self.width - Self.left - Self.right)
  }

  private func y(_ part: Double) -> Double {
    Self.height - Self.bottom - part * (Self.height - Self.top - Self.bottom)
  }

  private var most: UInt64 { histogram.buckets.map(\.count).max() ?? 0 }

  private var grid: [String] {
    var parts: [String] = []
    let (floor, ceiling) = (Self.number(y(0)), Self.number(y(1)))
    var unit = 1.0
    while unit <= last {
      for step in [1.0, 2, 5] where (first...last).contains(step * unit) {
        let place = Self.number(x(step * unit))
        parts.append(
          "<line class=\"grid\" x1=\"\(place)\" y1=\"\(ceiling)\" x2=\"\(place)\" y2=\"\(floor)\"/>"
        )
        // The decades alone have names where there are many.
        guard step == 1 || last / first < 1000 else { continue }
        parts.append(
          "<text class=\"small\" x=\"\(place)\" y=\"\(Self.number(y(0) + 20))\" "
            + "text-anchor=\"middle\">\(Format.brief(.nanoseconds(Int64(step * unit))))</text>")
      }
      unit *= 10
    }
    let end = Self.number(Self.width - Self.right)
    parts.append(
      "<line class=\"axis\" x1=\"\(Self.number(Self.left))\" y1=\"\(floor)\" x2=\"\(end)\" "
        + "y2=\"\(floor)\"/>")
    for part in [0.5, 1] where most > 0 {
      parts.append(
        "<text class=\"small\" x=\"\(Self.number(Self.left - 8))\" y=\"\(Self.number(y(part) + 4))\" "
          + "text-anchor=\"end\">\(UInt64(Double(most) * part))</text>")
    }
    return parts
  }

  private var bars: [String] {
    histogram.buckets.map { bucket in
      let from = x(Double(bucket.lower.nanoseconds))
      let width = max(x(Double(bucket.upper.nanoseconds)) - from - 0.5, 1)
      let height = max(Double(bucket.count) / Double(most) * (y(0) - y(1)), 1)
      return "<rect class=\"bar\" x=\"\(Self.number(from))\" y=\"\(Self.number(y(0) - height))\" "
        + "width=\"\(Self.number(width))\" height=\"\(Self.number(height))\"/>"
    }
  }

  private var marks: [String] {
    let all = [("50 %", histogram.p50), ("99 %", histogram.p99), ("99.9 %", histogram.p999)]
    return all.enumerated().flatMap { row, mark -> [String] in
      guard let time = mark.1 else { return [] }
      let place = x(Double(time.nanoseconds))
      // Each name on a line of its own, above the bars: percentiles may be the same. Towards the middle.
      let isRight = place > Self.width / 2
      let base = Self.top - 44 + Double(row) * 16
      let height = Self.number(base)
      return [
        "<line class=\"mark\" x1=\"\(Self.number(place))\" y1=\"\(Self.number(base - 10))\" "
          + "x2=\"\(Self.number(place))\" y2=\"\(Self.number(y(0)))\"/>",
        "<text class=\"name\" x=\"\(Self.number(place + (isRight ? -6 : 6)))\" y=\"\(height)\" "
          + "text-anchor=\"\(isRight ? "end" : "start")\">\(mark.0): \(Format.brief(time))</text>",
      ]
    }
  }

  // MARK: Texts

  private static func number(_ value: Double) -> String { Format.decimal(value) }

  private static func escaped(_ text: String) -> String {
    var escaped = ""
    for character in text {
      switch character {
      case "&": escaped += "&amp;"
      case "<": escaped += "&lt;"
      case ">": escaped += "&gt;"
      case "\"": escaped += "&quot;"
      default: escaped.append(character)
      }
    }
    return escaped
  }
}
