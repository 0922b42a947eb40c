/// Counts of latencies in buckets that grow with them: 64 to a power of two, so that a percentile is
/// read with an error of at most 1.6 %. The largest is kept as it was.
struct LatencyHistogram {
  private static let bucketsAnOctave = 64
  private static let octaves = 40

  private var counts = [UInt64](repeating: 0, count: octaves * bucketsAnOctave)
  private(set) var total: UInt64 = 0
  private(set) var largest: UInt64 = 0

  init() {}

  init(_ nanoseconds: [UInt64]) {
    for value in nanoseconds { add(value) }
  }

  mutating func add(_ nanoseconds: UInt64) {
    counts[Self.bucket(nanoseconds)] += 1
    total += 1
    largest = max(largest, nanoseconds)
  }

  mutating func add(_ other: LatencyHistogram) {
    for index in counts.indices { counts[index] += other.counts[index] }
    total += other.total
    largest = max(largest, other.largest)
  }

  /// The latency that `share` (0 to 1) of all were within, in nanoseconds.
  func percentile(_ share: Double) -> Double {
    let wanted = UInt64((share * Double(total)).rounded(.up))
    var seen: UInt64 = 0
    for (index, count) in counts.enumerated() {
      seen += count
      if seen >= max(wanted, 1) { return min(Self.upperBound(index), Double(largest)) }
    }
    return Double(largest)
  }

  /// Below 64 ns a bucket is a nanosecond; above, the six bits behind the highest choose it.
  private static func bucket(_ value: UInt64) -> Int {
    guard value >= UInt64(bucketsAnOctave) else { return Int(value) }
    let octave = 63 - value.leadingZeroBitCount - 6
    let index = (octave + 1) * bucketsAnOctave + Int((value >> UInt64(octave)) & 63)
    return min(index, octaves * bucketsAnOctave - 1)
  }

  private static func upperBound(_ index: Int) -> Double {
    guard index >= bucketsAnOctave else { return Double(index) }
    let octave = index / bucketsAnOctave - 1
    return Double((UInt64(index % bucketsAnOctave + bucketsAnOctave + 1) << UInt64(octave)) - 1)
  }
}

/// As the buckets that are not empty.
extension LatencyHistogram: Codable {
  private enum Key: CodingKey { case buckets, counts, largest }

  init(from decoder: any Decoder) throws {
    let values = try decoder.container(keyedBy: Key.self)
    let buckets = try values.decode([Int].self, forKey: .buckets)
    for (bucket, count) in zip(buckets, try values.decode([UInt64].self, forKey: .counts)) {
      guard counts.indices.contains(bucket) else {
        throw DecodingError.dataCorruptedError(
          forKey: .buckets, in: values, debugDescription: "there is no bucket \(bucket)")
      }
      counts[bucket] = count
      total += count
    }
    largest = try values.decode(UInt64.self, forKey: .largest)
  }

  func encode(to encoder: any Encoder) throws {
    let filled = counts.indices.filter { counts[$0] != 0 }
    var values = encoder.container(keyedBy: Key.self)
    try values.encode(filled, forKey: .buckets)
    try values.encode(filled.map { counts[$0] }, forKey: .counts)
    try values.encode(largest, forKey: .largest)
  }
}
