// Service room. What the daemon prints about its devices: each second a record per device for a
// terminal, as a line or as JSON, and one line for the service manager. Service calls it. Reads
// snapshots only, and never waits for the terminal. Control thread; no lock.
import CUIO
import InterruptSync
import Varlink

/// Prints statistics with the rates since the last time.
final class StatusPrinter {
  private let isJSON: Bool
  private var lastCounts: [String: UInt64] = [:]
  private let started = linux_nanoseconds()
  private var last = linux_nanoseconds()

  init(isJSON: Bool) { self.isJSON = isJSON }

  /// Makes the next rates those of the whole run.
  func beginTotals() {
    lastCounts = [:]
    last = started
  }

  func print(_ records: [(name: String, state: String, statistics: InterruptStatistics)]) {
    let now = linux_nanoseconds()
    let seconds = max(Double(now - last) / 1e9, 0.001)
    last = now
    for (name, state, statistics) in records {
      let before = lastCounts.updateValue(statistics.interrupts, forKey: name) ?? 0
      let rate = Double(statistics.interrupts - min(before, statistics.interrupts)) / seconds
      let record = StatusRecord(
        device: name, state: state, statistics: statistics, rate: rate)
      Console.offer(isJSON ? record.json : record.line)
    }
  }

  /// The line for the service manager.
  static func summary(_ devices: [DeviceSnapshot]) -> String {
    let wanted = devices.filter(\.isWanted)
    let attached = devices.count { $0.state == .attached }
    guard !wanted.isEmpty || attached > 0 else { return "no configured device is present" }
    let connected = wanted.count { $0.objectState == .connected || $0.objectState == .storming }
    let storming = wanted.count { $0.state == .storming }
    return "\(connected) of \(wanted.count) devices serviced"
      + (attached > 0 ? ", \(attached) attached by clients" : "")
      + (storming > 0 ? ", \(storming) storming" : "")
  }
}

/// One device at one moment.
struct StatusRecord: Equatable {
  var device: String
  var state: String
  /// Interrupts a second since the previous record.
  var rate: Double
  var interrupts: UInt64
  var dispatches: UInt64
  var claimed: UInt64
  var unclaimed: UInt64
  var coalesced: UInt64
  var passes: UInt64
  var rearmFailures: UInt64
  var storms: UInt64
  var longestHoldNanoseconds: UInt64
  var longestWaitNanoseconds: UInt64

  init(device: String, state: String, statistics: InterruptStatistics, rate: Double) {
    self.device = device
    self.state = state
    self.rate = (rate * 10).rounded() / 10
    interrupts = statistics.interrupts
    dispatches = statistics.dispatches
    claimed = statistics.claimed
    unclaimed = statistics.unclaimed
    coalesced = statistics.coalesced
    passes = statistics.passes
    rearmFailures = statistics.rearmFailures
    storms = statistics.storms
    longestHoldNanoseconds = statistics.longestHoldNanoseconds
    longestWaitNanoseconds = statistics.longestWaitNanoseconds
  }

  /// One JSON object without a newline, keys in order.
  var json: String {
    // A rate without a fraction is written as an integer.
    let rate = Int64(exactly: rate).map { JSON.integer($0) } ?? .double(rate)
    let object: JSONObject = [
      "claimed": JSON(claimed), "coalesced": JSON(coalesced), "device": .string(device),
      "dispatches": JSON(dispatches), "interrupts": JSON(interrupts),
      "longestHoldNanoseconds": JSON(longestHoldNanoseconds),
      "longestWaitNanoseconds": JSON(longestWaitNanoseconds), "passes": JSON(passes),
      "rate": rate, "rearmFailures": JSON(rearmFailures), "state": .string(state),
      "storms": JSON(storms), "unclaimed": JSON(unclaimed),
    ]
    return object.description
  }

  /// One line for people, without the counts that are 0 and should be.
  var line: String {
    var text =
      "\(device): \(state), \(rate)/s, interrupts \(interrupts), dispatches \(dispatches), claimed \(claimed)"
    for (name, value) in [
      ("unclaimed", unclaimed), ("coalesced", coalesced), ("storms", storms),
      ("re-arm failures", rearmFailures),
    ] where value != 0 {
      text += ", \(name) \(value)"
    }
    return text + ", longest hold \(Self.microseconds(longestHoldNanoseconds))"
      + ", longest wait \(Self.microseconds(longestWaitNanoseconds))"
  }

  private static func microseconds(_ nanoseconds: UInt64) -> String {
    "\(nanoseconds / 1000).\(nanoseconds % 1000 / 100) µs"
  }
}
