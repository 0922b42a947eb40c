import InterruptSyncClient

/// What all lines have done at one moment.
struct RateView {
  private let time = ContinuousClock.now
  private let devices: [Device]
  private let statistics: [String: DeviceStatistics]

  init(_ client: InterruptSyncClient) throws(InterruptSyncClientError) {
    devices = try client.listDevices().sorted { $0.id < $1.id }
    statistics = Dictionary(
      try client.statistics().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// A table with the rates between two views.
  func text(since before: RateView, _ common: CommonOptions) -> String {
    let (seconds, attoseconds) = (time - before.time).components
    let elapsed = max(Double(seconds) + Double(attoseconds) / 1e18, 1e-9)
    var table = Table(
      ["DEVICE", "STATE", "INTERRUPTS/s", "UNCLAIMED/s", "INTERRUPTS", "STORMS", "LONGEST HOLD"],
      numbers: [2, 3, 4, 5, 6])
    for device in devices {
      guard let now = statistics[device.id] else { continue }
      let then = before.statistics[device.id]
      func rate(_ count: (DeviceStatistics) -> UInt64) -> Double {
        let (now, then) = (count(now), then.map(count) ?? 0)
        return now > then ? Double(now - then) / elapsed : 0
      }
      let unclaimed = rate(\.unclaimed)
      table.add([
        .init(device.id), .init(device.state.rawValue, common.style.colour(device.state)),
        .init(Format.decimal(rate(\.interrupts))),
        .init(Format.decimal(unclaimed), unclaimed > 0 ? .yellow : nil),
        .init("\(now.interrupts)"), .init("\(now.storms)", now.storms > 0 ? .yellow : nil),
        .init(Format.time(nanoseconds: now.longestHoldNanoseconds)),
      ])
    }
    return table.text(common)
  }
}
