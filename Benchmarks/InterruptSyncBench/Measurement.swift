/// Ours beside a peer's, measured in turns in one run; or ours alone, where nothing is like it.
struct Measurement: Codable {
  var name: String
  var ours: Double
  var peer: Double?
  var unit: String
  var ratio: Double?
  /// What the ratio is to stay within; nil where the figure only informs.
  var bar: Double?
  var met: Bool?
  /// Smallest and largest ratio of a round; without a peer, smallest and largest round.
  var spread: [Double]

  init(_ name: String, ours: [Double], peer: [Double], unit: String, bar: Double? = nil) {
    // What a peer does in no time at all has no ratio.
    let ratios = zip(ours, peer).map { $0 / max($1, 1e-9) }
    self.name = name
    self.ours = Self.median(ours)
    self.peer = Self.median(peer)
    self.unit = unit
    let ratio = Self.median(ratios)
    self.ratio = ratio
    self.bar = bar
    met = bar.map { ratio <= $0 }
    spread = [ratios.min() ?? 0, ratios.max() ?? 0]
  }

  /// A figure without a peer.
  init(_ name: String, alone: [Double], unit: String) {
    self.name = name
    self.unit = unit
    ours = Self.median(alone)
    spread = [alone.min() ?? 0, alone.max() ?? 0]
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
  }

  static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return sorted.isEmpty ? 0 : sorted[sorted.count / 2]
  }
}
