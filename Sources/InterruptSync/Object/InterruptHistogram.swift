// Room Object: a histogram as its reader sees it: how often times of which length came, in a span of
// time. Values, for any thread.
import CUIO
import LinuxSystem

/// How often times of which length came.
///
/// The buckets are log-linear, eight to each doubling: a time is known to within 2/15 of itself, or
/// to within a tick of the processor's counter. Nothing is too long for them, and a histogram takes
/// 4 KiB however much it counts.
public struct InterruptHistogram: Equatable, Sendable {
  /// Which times are counted.
  public enum Quantity: String, Sendable, CaseIterable {
    /// How long a dispatch held the lock: the routines and the re-arm. On a line that does not rest
    /// it runs from the end of the dispatch before, as `InterruptStatistics.longestHold` does.
    case service
    /// How long a thread waited for the lock, a dispatcher or a caller. An acquisition that found it
    /// free is not in it. Objects that share a lock share this one.
    case wait
    /// From the start of one dispatch to the start of the next; a disconnect ends a series.
    case interval
    /// From the cause of an interrupt to the start of its dispatch, where the cause has a time: an
    /// edge of a GPIO line with the monotonic clock, or what a routine says with `noteCause(at:)`.
    case latency
  }

  /// Since when.
  public enum Period: String, Sendable, CaseIterable {
    /// Since histograms are kept.
    case start
    /// Since the last `resetHistograms()`, or else since the start.
    case reset
    /// Between the last two calls of `turnHistogramWindow()`; the first window begins with the start.
    case window
  }

  /// Times from `lower` up to, but without, `upper`.
  public struct Bucket: Equatable, Sendable {
    /// The shortest time in it.
    public let lower: Duration
    /// The shortest time that is not in it any more.
    public let upper: Duration
    /// How many there were.
    public let count: UInt64

    package init(lower: Duration, upper: Duration, count: UInt64) {
      self.lower = lower
      self.upper = upper
      self.count = count
    }
  }

  /// Those that are not empty, shortest first.
  public let buckets: [Bucket]
  /// Times in all.
  public let count: UInt64
  /// Their sum, which is exact.
  public let sum: Duration

  package init(buckets: [Bucket], sum: Duration) {
    self.buckets = buckets
    self.sum = sum
    count = buckets.reduce(0) { $0 &+ $1.count }
  }

  /// The time that `percent` of all times do not exceed: never too short, and at most 2/15 too long.
  /// Nil where there are none.
  /// - Parameter percent: 0 to 100.
  public func percentile(_ percent: Double) -> Duration? {
    guard count > 0, !percent.isNaN else { return nil }
    let rank = (min(max(percent, 0), 100) / 100 * Double(count)).rounded(.up)
    var passed: UInt64 = 0
    for bucket in buckets {
      passed &+= bucket.count
      if Double(passed) >= rank { return bucket.upper }
    }
    return buckets.last?.upper
  }

  /// No time was longer. Nil where there are none.
  public var longest: Duration? { buckets.last?.upper }
}

/// The counts of one histogram at one moment, in ticks: what is left out is 0.
struct HistogramCounts: Equatable {
  struct Entry: Equatable {
    let index: UInt32
    var count: UInt64
  }

  private(set) var entries: [Entry] = []
  private(set) var sum: UInt64 = 0

  init() {}

  init(_ histogram: UnsafePointer<cuio_histogram>) {
    unsafe sum = cuio_counter_read(histogram.pointer(to: \.sum)!)
    for index in 0..<UInt32(CUIO_HISTOGRAM_BUCKETS) {
      let count = unsafe cuio_histogram_count(histogram, index)
      if count > 0 { entries.append(Entry(index: index, count: count)) }
    }
  }

  /// The times after `earlier`.
  func since(_ earlier: HistogramCounts) -> HistogramCounts {
    var rest = self
    rest.sum &-= earlier.sum
    var before = earlier.entries[...]
    for index in rest.entries.indices {
      guard let first = before.first, first.index == rest.entries[index].index else { continue }
      rest.entries[index].count &-= first.count
      before.removeFirst()
    }
    rest.entries.removeAll { $0.count == 0 }
    return rest
  }

  /// In time. Buckets that are narrower than a nanosecond are one.
  var histogram: InterruptHistogram {
    var buckets: [InterruptHistogram.Bucket] = []
    for entry in entries {
      let lower = Self.nanoseconds(cuio_histogram_start(entry.index))
      let upper = max(Self.nanoseconds(cuio_histogram_start(entry.index + 1)), lower + 1)
      var count = entry.count
      if let last = buckets.last, last.lower == .nanoseconds(lower) {
        count &+= last.count
        buckets.removeLast()
      }
      buckets.append(.init(lower: .nanoseconds(lower), upper: .nanoseconds(upper), count: count))
    }
    return InterruptHistogram(buckets: buckets, sum: .nanoseconds(Self.nanoseconds(sum)))
  }

  /// The same for the life of the process, so that no bucket ever changes its bounds.
  private static let nanosecondsPerTick =
    Double(linux_ticks_to_nanoseconds(1 << 40)) / Double(UInt64(1) << 40)

  private static func nanoseconds(_ ticks: UInt64) -> UInt64 {
    let value = (Double(ticks) * nanosecondsPerTick).rounded()
    // An Int64 has room for 292 years.
    return value < 0x1p63 ? UInt64(value) : UInt64(Int64.max) - 1
  }
}
