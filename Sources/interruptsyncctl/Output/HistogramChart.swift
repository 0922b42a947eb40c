// Floor 7. A histogram as rows of text with bars, within the width of the terminal. Pure functions.
import InterruptSyncClient
import LinuxSystem

/// The rows of a histogram, coarse enough for a terminal.
struct HistogramChart {
  /// Times from `start` up to the start of the next row.
  struct Row: Equatable {
    let start: UInt64
    var count: UInt64
  }

  private static let mostRows = 20
  /// Rows of a decade, finest first: times that are easily read.
  private static let scales: [[UInt64]] = [
    [100, 120, 150, 180, 220, 270, 330, 390, 470, 560, 680, 820], [100, 150, 220, 330, 470, 680],
    [100, 200, 500], [100],
  ]

  let histogram: DeviceHistogram
  let rows: [Row]

  init(_ histogram: DeviceHistogram) {
    self.histogram = histogram
    let all = Self.scales.lazy.map { Self.rows(histogram.buckets, $0) }
    rows = all.first { $0.count <= Self.mostRows } ?? Self.rows(histogram.buckets, [100])
  }

  /// From the first row that is not empty to the last. A bucket belongs to the row of its middle.
  private static func rows(_ buckets: [DeviceHistogram.Bucket], _ scale: [UInt64]) -> [Row] {
    var counts: [UInt64: UInt64] = [:]
    let starts = starts(scale)
    for bucket in buckets {
      let middle = (bucket.lower.nanoseconds + bucket.upper.nanoseconds) / 2
      counts[starts.last { $0 <= middle } ?? 0, default: 0] += bucket.count
    }
    guard let first = counts.keys.min(), let last = counts.keys.max() else { return [] }
    return starts.filter { (first...last).contains($0) }.map {
      Row(start: $0, count: counts[$0, default: 0])
    }
  }

  /// Nanoseconds: 0, and from 1 on the scale's in each decade, until 260 years.
  private static func starts(_ scale: [UInt64]) -> [UInt64] {
    var starts: [UInt64] = [0]
    // Below 100 ns a decade has not all of the scale's as whole numbers.
    for unit in [1, 10] as [UInt64] {
      starts += scale.filter { $0 * unit % 100 == 0 }.map { $0 * unit / 100 }
    }
    var unit: UInt64 = 1
    while unit <= 10_000_000_000_000_000 {
      starts += scale.map { $0 * unit }
      unit *= 10
    }
    return starts
  }

  /// One line about all of them.
  var summary: String {
    guard histogram.count > 0 else { return "no times yet" }
    func time(_ name: String, _ value: Duration?) -> String? {
      value.map { "\(name) \(Format.brief($0))" }
    }
    let mean = Duration.nanoseconds(Int64(clamping: histogram.sum.nanoseconds / histogram.count))
    let parts = [
      counted(histogram.count, "time"), time("mean", mean), time("50 %", histogram.p50),
      time("90 %", histogram.p90), time("99 %", histogram.p99), time("99.9 %", histogram.p999),
      time("all", histogram.longest),
    ]
    let texts = parts.compactMap(\.self)
    // Two lines at most, each within 80 columns.
    return texts.prefix(2).joined(separator: ", ") + "\nwithin: "
      + texts.dropFirst(2).joined(separator: ", ")
  }

  func text(width: Int, _ options: CommonOptions) -> String {
    let most = rows.map(\.count).max() ?? 0
    let starts = rows.map { Format.brief(.nanoseconds(Int64(clamping: $0.start))) }
    let counts = rows.map { "\($0.count)" }
    let heads = options.noLegend ? [] : [("FROM", "TIMES")]
    let first = (starts + heads.map(\.0)).map(\.count).max() ?? 0
    let second = (counts + heads.map(\.1)).map(\.count).max() ?? 0
    func line(_ start: String, _ count: String, _ bar: String) -> String {
      let left = String(repeating: " ", count: first - start.count) + start
      let right = String(repeating: " ", count: second - count.count) + count
      return left + "  " + right + (bar.isEmpty ? "" : "  " + bar) + "\n"
    }
    let room = max(width - first - second - 4, 8)
    let head = heads.map { options.style.paint(line($0.0, $0.1, "").dropLastNewline, .bold) + "\n" }
    return head.joined()
      + rows.indices.map { row in
        line(starts[row], counts[row], Bars.horizontal(rows[row].count, of: most, width: room))
      }.joined()
  }
}

/// Bars of block characters.
enum Bars {
  private static let eighths = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"]
  private static let levels = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"]

  /// As wide as `count` is of `most`. A count of 1 is seen.
  static func horizontal(_ count: UInt64, of most: UInt64, width: Int) -> String {
    guard count > 0, most > 0 else { return "" }
    let parts = max(Int((Double(count) / Double(most) * Double(width * 8)).rounded()), 1)
    return String(repeating: "█", count: parts / 8) + eighths[parts % 8]
  }

  /// One character a value, its height that of `value` of `most`: a low line for 0, a blank for nil.
  static func sparkline(_ values: [Double?], of most: Double) -> String {
    values.map { value in
      guard let value else { return " " }
      guard value > 0, most > 0 else { return levels[0] }
      return levels[min(max(Int((value / most * 7).rounded(.up)), 1), 7)]
    }.joined()
  }
}

extension String {
  fileprivate var dropLastNewline: String { hasSuffix("\n") ? String(dropLast()) : self }
}
