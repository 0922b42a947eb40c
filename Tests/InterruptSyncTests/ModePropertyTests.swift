// T1: random lists, registrations at both ends and scripted results against a model of P15 to P20,
// N5 and the Repeat guard.
import Testing
import TestSupport

@testable import InterruptSync

private let palette: [NTStatus] = [
  .success, .success, .unsuccessful, .unsuccessful, .timeout, .deviceBusy, .notSupported,
  NTStatus(rawValue: 1), NTStatus(rawValue: .max), NTStatus(rawValue: .min),
  NTStatus(rawValue: -1),
]

/// What a case consists of.
private struct Scenario: CustomStringConvertible {
  var mode: InterruptSyncMode
  var acceptsAnySuccess: Bool
  var repeatLimit: UInt64
  /// By order of registration.
  var isFirst: [Bool]
  var scripts: [[NTStatus]]
  var dispatches: Int

  init(using generator: inout SeededGenerator) {
    mode = .allCases.randomElement(using: &generator)!
    acceptsAnySuccess = .random(using: &generator)
    repeatLimit = [0, 0, 1, 2, 5].randomElement(using: &generator)!
    let count = Int.random(in: 0...6, using: &generator)
    isFirst = (0..<count).map { _ in .random(using: &generator) }
    scripts = (0..<count).map { _ in
      (0..<Int.random(in: 0...9, using: &generator)).map { _ in
        palette.randomElement(using: &generator)!
      }
    }
    dispatches = Int.random(in: 1...4, using: &generator)
  }

  var description: String {
    "\(mode) anySuccess=\(acceptsAnySuccess) limit=\(repeatLimit) first=\(isFirst) "
      + "dispatches=\(dispatches) scripts=\(scripts.map { $0.map(\.description) })"
  }

  /// The documented algorithm, written as plainly as possible.
  func model() -> (calls: [Int], handled: Int, passes: Int, limited: Int) {
    var order: [Int] = []
    for (index, first) in isFirst.enumerated() {
      if first { order.insert(index, at: 0) } else { order.append(index) }
    }
    var left = scripts
    var result = (calls: [Int](), handled: 0, passes: 0, limited: 0)
    func isClaim(_ index: Int) -> Bool {
      let status = left[index].isEmpty ? .unsuccessful : left[index].removeFirst()
      return status == .success || (acceptsAnySuccess && status.isSuccess)
    }
    for _ in 0..<dispatches {
      var isHandled = false
      var claimedPasses: UInt64 = 0
      while true {
        result.passes += 1
        var isClaimed = false
        for index in order {
          result.calls.append(index)
          if isClaim(index) {
            isClaimed = true
            if mode == .normal { break }
          }
        }
        isHandled = isHandled || isClaimed
        if mode != .repeat || !isClaimed { break }
        claimedPasses += 1
        if repeatLimit != 0, claimedPasses == repeatLimit {
          result.limited += 1
          break
        }
      }
      if isHandled { result.handled += 1 }
    }
    return result
  }

  func run() throws -> (calls: [Int], handled: Int, passes: Int, limited: Int) {
    let pipe = try Pipe()
    let object = InterruptSyncObject(
      source: pipe.line, mode: mode,
      options: InterruptSyncOptions(
        storm: .off, repeatLimit: repeatLimit, acceptsAnySuccess: acceptsAnySuccess,
        connectsWithoutRoutines: true))
    let calls = Journal<Int>()
    for index in isFirst.indices {
      let results = Journal<NTStatus>()
      results.entries = scripts[index].reversed()
      try object.registerServiceRoutine(first: isFirst[index]) {
        calls.entries.append(index)
        return results.entries.popLast() ?? .unsuccessful
      }
    }
    try object.connect()
    for _ in 0..<dispatches { pipe.interrupt() }
    try object.awaitDispatches(UInt64(dispatches))
    try object.disconnect()
    let statistics = object.statistics()
    return (
      calls.entries, Int(statistics.claimed), Int(statistics.passes), Int(statistics.repeatLimits)
    )
  }
}

@Test func T1_everyModeFollowsTheModel() throws {
  var generator = SeededGenerator(for: "T1_everyModeFollowsTheModel")
  for _ in 0..<repetitions(1500) {
    let scenario = Scenario(using: &generator)
    let expected = scenario.model()
    let seen = try scenario.run()
    try #require(seen == expected, "\(scenario)")
  }
}
