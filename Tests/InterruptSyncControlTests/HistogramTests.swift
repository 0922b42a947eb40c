// Histograms as people see them: rows of text and pictures.
import ArgumentParser
import LinuxSystem
import Testing
import Varlink

@testable import InterruptSyncClient
@testable import interruptsyncctl

/// A histogram of these buckets.
private func histogram(_ buckets: [(UInt64, UInt64, UInt64)]) throws -> DeviceHistogram {
  var object: JSONObject = [
    "what": "service", "count": JSON(buckets.reduce(0) { $0 + $1.2 }),
    "sumNanoseconds": JSON(buckets.reduce(0) { $0 + $1.0 * $1.2 }),
    "buckets": .array(
      buckets.map {
        ["fromNanoseconds": JSON($0.0), "toNanoseconds": JSON($0.1), "count": JSON($0.2)]
      }),
  ]
  if let last = buckets.last {
    for name in ["p50", "p99", "p999", "longest"] { object["\(name)Nanoseconds"] = JSON(last.1) }
  }
  return try DeviceHistogram(ReplyReader(object, device: "beat", operation: "test"))
}

/// What a histogram of so many doublings has.
private func buckets(_ first: UInt64, doublings: Int) -> [(UInt64, UInt64, UInt64)] {
  (0..<doublings * 8).map { index in
    func edge(_ index: Int) -> UInt64 { (first << (index / 8)) * UInt64(8 + index % 8) / 8 }
    return (edge(index), edge(index + 1), UInt64(index + 1))
  }
}

@Test(arguments: 1...40)
func chartsHaveAtMostTwentyRowsAndEveryTime(doublings: Int) throws {
  let all = buckets(100, doublings: doublings)
  let chart = HistogramChart(try histogram(all))
  #expect(chart.rows.count <= 20)
  #expect(chart.rows.count >= min(doublings, 4))
  #expect(chart.rows.reduce(0) { $0 + $1.count } == all.reduce(0) { $0 + $1.2 })
  #expect(chart.rows.map(\.start) == chart.rows.map(\.start).sorted())
}

@Test func aChartIsDrawnInItsWidth() throws {
  let options = try CommonOptions.parse(["--color", "never"])
  let chart = HistogramChart(
    try histogram([(1000, 1100, 40), (1900, 2100, 10), (1_250_000, 1_300_000, 1)]))
  for width in [40, 80, 120] {
    let lines = chart.text(width: width, options).split(separator: "\n")
    #expect(lines.map(\.count).max() == width)
  }
  let lines = chart.text(width: 80, options).split(separator: "\n").map { String($0) }
  #expect(lines.first == "  FROM  TIMES")
  #expect(lines[1].hasPrefix("  1 µs     40  ████"))
  #expect(lines.last == "  1 ms      1  █▋")
  let bare = try CommonOptions.parse(["--no-legend"])
  #expect(chart.text(width: 80, bare).split(separator: "\n").count == lines.count - 1)
}

@Test func aChartOfNothingSaysSo() throws {
  let chart = HistogramChart(try histogram([]))
  #expect(chart.rows.isEmpty)
  #expect(chart.summary == "no times yet")
  #expect(HistogramPicture(try histogram([]), title: "a").text.contains("no times yet"))
}

@Test func aSummaryFitsEightyColumns() throws {
  let chart = HistogramChart(try histogram([(123_456_789, 134_567_890, .max / 2_000_000_000)]))
  #expect(chart.summary.split(separator: "\n").allSatisfy { $0.count <= 80 }, "\(chart.summary)")
}

@Test func aPictureHasABarForEachBucketWithinItsFrame() throws {
  let all = buckets(700, doublings: 9)
  let text = HistogramPicture(try histogram(all), title: "a<b>&\"c\"").text
  #expect(text.contains("a&lt;b&gt;&amp;&quot;c&quot;"))
  let bars = text.split(separator: "\n").filter { $0.contains("class=\"bar\"") }
  #expect(bars.count == all.count)
  func value(_ bar: Substring, _ name: String) throws -> Double {
    let rest = try #require(bar.range(after: " \(name)=\""))
    return try #require(Double(rest.prefix { $0 != "\"" }))
  }
  var last = 0.0
  for bar in bars {
    let (x, y) = (try value(bar, "x"), try value(bar, "y"))
    let (width, height) = (try value(bar, "width"), try value(bar, "height"))
    #expect(x > last && x + width <= 840)
    #expect(y >= 84 && abs(y + height - 364) < 0.11)
    last = x
  }
}

extension Substring {
  /// What follows a text.
  fileprivate func range(after text: String) -> Substring? {
    var rest = self
    while !rest.isEmpty {
      if rest.hasPrefix(text) { return rest.dropFirst(text.count) }
      rest.removeFirst()
    }
    return nil
  }
}

@Test(arguments: [
  (0, "0 ns"), (7, "7 ns"), (999, "999 ns"), (1000, "1 µs"), (1200, "1.2 µs"), (41_230, "41.2 µs"),
  (120_000, "120 µs"), (999_499, "999 µs"), (999_600, "1 ms"), (1_234_000, "1.23 ms"),
  (9_996_000_000, "10 s"), (3_600_000_000_000, "3600 s"),
])
func briefTimesHaveThreeDigits(nanoseconds: Int64, text: String) {
  #expect(Format.brief(.nanoseconds(nanoseconds)) == text)
}
