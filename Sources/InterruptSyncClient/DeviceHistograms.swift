// Floor 6. Histograms of one line, read from a reply of GetHistograms. Values, for any thread.
package import Varlink

/// How often times of which length came, of one device.
public struct DeviceHistograms: Sendable {
  /// Since when times are counted.
  public enum Period: String, Sendable, CaseIterable {
    /// Since the daemon began to service the device with its present settings.
    case start
    /// Since the last reset (`resetHistograms(of:)`).
    case reset
    /// In the last whole 10 seconds.
    case window
  }

  /// The device.
  public let id: String
  /// One for each quantity; none for a device that the daemon has not serviced yet.
  public let histograms: [DeviceHistogram]
  /// As the daemon sent it.
  package let json: JSONObject

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    id = try reader.string("id")
    histograms = try reader.list("histograms", DeviceHistogram.init)
    json = reader.object
  }

  /// The histogram of one quantity.
  public subscript(_ quantity: DeviceHistogram.Quantity) -> DeviceHistogram? {
    histograms.first { $0.quantity == quantity }
  }
}

/// How often times of which length came.
public struct DeviceHistogram: Sendable {
  /// Which times are counted.
  public enum Quantity: String, Sendable, CaseIterable {
    /// How long a dispatch held the interrupt lock.
    case service
    /// How long a thread waited for the lock; an acquisition that found it free is not counted.
    case wait
    /// From one dispatch to the next.
    case interval
    /// From the cause of an interrupt to its dispatch, where the cause has a time.
    case latency
    /// A quantity that this version of the library does not know.
    case unknown
  }

  /// Times from `lower` up to, but without, `upper`: at most 2/15 apart.
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

    init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
      lower = try reader.nanoseconds("fromNanoseconds")
      upper = try reader.nanoseconds("toNanoseconds")
      count = try reader.count("count")
    }
  }

  /// Which times.
  public let quantity: Quantity
  /// Times in all.
  public let count: UInt64
  /// Their sum.
  public let sum: Duration
  /// What half of the times do not exceed: never too short, and at most 2/15 too long. Nil where
  /// there are none, as the next ones.
  public let p50: Duration?
  /// The same for 90 % of the times.
  public let p90: Duration?
  /// The same for 99 % of the times.
  public let p99: Duration?
  /// The same for 99.9 % of the times.
  public let p999: Duration?
  /// No time was longer.
  public let longest: Duration?
  /// Those that are not empty, shortest first; empty where only percentiles were asked for.
  public let buckets: [Bucket]

  init(_ reader: ReplyReader) throws(InterruptSyncClientError) {
    quantity = Quantity(rawValue: try reader.string("what")) ?? .unknown
    count = try reader.count("count")
    sum = try reader.nanoseconds("sumNanoseconds")
    p50 = reader.optionalNanoseconds("p50Nanoseconds")
    p90 = reader.optionalNanoseconds("p90Nanoseconds")
    p99 = reader.optionalNanoseconds("p99Nanoseconds")
    p999 = reader.optionalNanoseconds("p999Nanoseconds")
    longest = reader.optionalNanoseconds("longestNanoseconds")
    buckets =
      reader.object["buckets"]?.array == nil ? [] : try reader.list("buckets", Bucket.init)
  }
}

extension InterruptSyncClient {
  /// How often times of which length came on every line that the caller may observe: the percentiles,
  /// without buckets.
  /// - Throws: as `listDevices`.
  public func histograms(
    over period: DeviceHistograms.Period = .start
  ) throws(InterruptSyncClientError) -> [DeviceHistograms] {
    try histograms(["period": .string(period.rawValue)], device: nil)
  }

  /// How often times of which length came on one line.
  /// - Throws: `noSuchDevice`, and as `listDevices`.
  public func histograms(
    of device: String, over period: DeviceHistograms.Period = .start
  ) throws(InterruptSyncClientError) -> DeviceHistograms {
    let all = try histograms(
      ["device": .string(device), "period": .string(period.rawValue)], device: device)
    return try Self.only(all, of: device, operation: "get histograms")
  }

  private func histograms(
    _ parameters: JSONObject, device: String?
  ) throws(InterruptSyncClientError) -> [DeviceHistograms] {
    try connection.call("GetHistograms", parameters, device: device, operation: "get histograms")
      .reader.list("devices", DeviceHistograms.init)
  }

  /// Begins the period `reset` of a device's histograms. The role control.
  /// - Throws: `noSuchDevice`, `permissionDenied`, `disconnected`, `timedOut`.
  public func resetHistograms(of device: String) throws(InterruptSyncClientError) {
    _ = try connection.call(
      "ResetHistograms", ["device": .string(device)], device: device,
      operation: "reset the histograms")
  }
}
