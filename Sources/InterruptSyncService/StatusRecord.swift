// The daemon's account of one device, once a second: a line for people or an object for programs.
import InterruptSync
import Varlink

/// One device at one moment.
struct StatusRecord: Equatable {
  var device: String
  var state: String
  /// Interrupts a second since the record before.
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
    // A rate without a fraction is written without one.
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

  /// One line for people. What is 0 and should be is left out.
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
