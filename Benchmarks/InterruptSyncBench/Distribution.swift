/// The latencies of one server under one load: each round alone, and all together.
struct Distribution: Codable {
  var name: String
  var rounds: [LatencyHistogram] = []
  var all = LatencyHistogram()

  init(_ name: String) { self.name = name }

  mutating func add(_ nanoseconds: [UInt64]) {
    let round = LatencyHistogram(nanoseconds)
    rounds.append(round)
    all.add(round)
  }

  /// The rounds' latencies at a percentile, in microseconds.
  func percentiles(_ share: Double) -> [Double] { rounds.map { $0.percentile(share) / 1000 } }
}
