/// Ours beside a peer's, measured in turns in one run; or ours alone, where nothing is like it.
struct Measurement: Codable {
  var name: String
  var ours: Double
  var peer: Double?
  var unit: String
  var ratio: Double?
  /// What the ratio is to stay within; nil where the figure only informs.
  var bar: Double?
  /// Missed only when the whole interval lies beyond the bar.
  var met: Bool?
  /// Smallest and largest ratio of a round; without a peer, smallest and largest round.
  var spread: [Double]
  /// Between which the median lies with 95 % (`Bootstrap`): that of the ratios, without a peer that
  /// of the rounds.
  var interval: [Double]
  /// Rounds measured.
  var rounds: Int

  init(_ name: String, ours: [Double], peer: [Double], unit: String, bar: Double? = nil) {
    // What a peer does in no time at all has no ratio.
    let ratios = zip(ours, peer).map { $0 / max($1, 1e-9) }
    self.name = name
    self.ours = Self.median(ours)
    self.peer = Self.median(peer)
    self.unit = unit
    ratio = Self.median(ratios)
    self.bar = bar
    let interval = Bootstrap.interval(ratios)
    met = bar.map { interval.lowerBound <= $0 }
    self.interval = [interval.lowerBound, interval.upperBound]
    spread = [ratios.min() ?? 0, ratios.max() ?? 0]
    rounds = ratios.count
  }

  /// A figure without a peer.
  init(_ name: String, alone: [Double], unit: String) {
    self.name = name
    self.unit = unit
    ours = Self.median(alone)
    let interval = Bootstrap.interval(alone)
    self.interval = [interval.lowerBound, interval.upperBound]
    spread = [alone.min() ?? 0, alone.max() ?? 0]
    rounds = alone.count
  }

  /// A count that has to be `wanted`, and nothing else.
  init(_ name: String, count: UInt64, wanted: UInt64, unit: String) {
    self.name = name
    ours = Double(count)
    peer = Double(wanted)
    self.unit = unit
    let ratio = wanted == 0 ? Double(count) : Double(count) / Double(wanted)
    self.ratio = ratio
    bar = wanted == 0 ? 0 : 1
    met = count == wanted
    spread = [ratio, ratio]
    interval = [ratio, ratio]
    rounds = 1
  }

  /// Whether the interval is so wide, more than a tenth of the bar, that the row says little about
  /// it.
  var isUncertain: Bool { bar.map { interval[1] - interval[0] > $0 / 10 } ?? false }

  /// How the table shows whether the bar holds: a wide interval is the benchmark's failure, and is
  /// said as such.
  var verdict: String {
    guard let met else { return "" }
    return isUncertain ? (met ? "WIDE" : "NO, WIDE") : (met ? "yes" : "NO")
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
