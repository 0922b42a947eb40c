// Metrics room. The histograms of devices as OpenMetrics has them: counts of all times up to a bound,
// and the sum. A pure function of its snapshots.
import InterruptSync

/// Writes histograms.
enum HistogramMetrics {
  private struct Family {
    let quantity: InterruptHistogram.Quantity
    let name: String
    let help: String
  }

  private static let families = [
    Family(
      quantity: .service, name: "interruptsync_service_seconds",
      help: "How long a dispatch held the lock."),
    Family(
      quantity: .wait, name: "interruptsync_wait_seconds",
      help: "How long a thread waited for the lock that it did not find free."),
    Family(
      quantity: .interval, name: "interruptsync_interval_seconds",
      help: "Time from one dispatch to the next."),
    Family(
      quantity: .latency, name: "interruptsync_latency_seconds",
      help: "Time from the cause of an interrupt to its dispatch."),
  ]

  /// 1, 2 and 5 µs, and so on to 10 s, and how metrics write them.
  private static let bounds: [(nanoseconds: UInt64, text: String)] = {
    var bounds: [UInt64] = []
    var unit: UInt64 = 1000
    while unit < 10_000_000_000 {
      bounds += [unit, 2 * unit, 5 * unit]
      unit *= 10
    }
    return (bounds + [unit]).map { ($0, text(of: $0)) }
  }()

  /// Seconds without zeros at the end, and with a digit behind the point.
  private static func text(of nanoseconds: UInt64) -> String {
    var text = Substring(OpenMetrics.decimal(nanoseconds))
    while text.hasSuffix("0"), !text.hasSuffix(".0") { text.removeLast() }
    return String(text)
  }

  /// - Parameter devices: each with its label. One that has counted nothing of a quantity has no
  ///   histogram of it.
  static func lines(_ devices: [(label: String, snapshot: DeviceSnapshot)]) -> [String] {
    families.flatMap { family in
      [
        "# TYPE \(family.name) histogram", "# UNIT \(family.name) seconds",
        "# HELP \(family.name) \(family.help)",
      ]
        + devices.flatMap { device -> [String] in
          let histogram = device.snapshot.histogram(of: family.quantity, over: .start)
          guard let histogram, histogram.count > 0 else { return [] }
          return samples(histogram, family.name, "device=\"\(device.label)\"")
        }
    }
  }

  /// A bucket counts towards the first bound that none of its times exceeds, so that no time looks
  /// shorter than it was.
  private static func samples(
    _ histogram: InterruptHistogram, _ name: String, _ label: String
  ) -> [String] {
    var rest = histogram.buckets[...]
    var count: UInt64 = 0
    var lines: [String] = []
    for bound in bounds {
      while let first = rest.first, first.upper <= .nanoseconds(Int64(bound.nanoseconds)) {
        count &+= first.count
        rest.removeFirst()
      }
      lines.append("\(name)_bucket{\(label),le=\"\(bound.text)\"} \(count)")
    }
    return lines + [
      "\(name)_bucket{\(label),le=\"+Inf\"} \(histogram.count)",
      "\(name)_sum{\(label)} \(OpenMetrics.decimal(histogram.sum.inNanoseconds))",
      "\(name)_count{\(label)} \(histogram.count)",
    ]
  }
}
