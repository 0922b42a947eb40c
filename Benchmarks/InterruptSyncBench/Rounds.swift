import CFloor
import Glibc

/// Two contenders in turns. A round is several short runs of each, of which the fastest counts: what
/// else the machine does can only make a run slower. They take turns at the first place, so that a
/// drift of the machine's speed hits both.
struct Rounds {
  var count = 21
  var turns = 6

  func inTurns(
    _ ours: () throws -> Double, _ peer: () throws -> Double
  ) rethrows -> (ours: [Double], peer: [Double]) {
    var results: (ours: [Double], peer: [Double]) = ([], [])
    for _ in 0..<count {
      var best = (ours: Double.infinity, peer: Double.infinity)
      for turn in 0..<turns {
        if turn % 2 == 0 { best.ours = min(best.ours, try ours()) }
        best.peer = min(best.peer, try peer())
        if turn % 2 != 0 { best.ours = min(best.ours, try ours()) }
      }
      results.ours.append(best.ours)
      results.peer.append(best.peer)
    }
    return results
  }

  /// The row of such rounds.
  func compare(
    _ name: String, unit: String, bar: Double? = nil, ours: () throws -> Double,
    against peer: () throws -> Double
  ) rethrows -> Measurement {
    let (ours, peer) = try inTurns(ours, peer)
    return Measurement(name, ours: ours, peer: peer, unit: unit, bar: bar)
  }

  /// Nanoseconds a call, of so many in a row.
  static func each(_ calls: UInt64, _ body: (UInt64) throws -> Void) rethrows -> Double {
    let start = probe_now()
    try body(calls)
    return Double(probe_now() - start) / Double(calls)
  }

  /// Nanoseconds an interrupt, of a line that fires as fast as it is served: of the serving thread's
  /// processor time, as that is all that another program on the machine leaves as it is.
  ///
  /// - Parameter time: that processor time so far.
  static func pace(
    _ microseconds: useconds_t, time: () -> UInt64 = load_others_time,
    served: () -> UInt64
  ) -> Double {
    // A reading during which the line was served further than this says nothing.
    let limit = UInt64(microseconds) * 10
    func reading() -> (served: UInt64, time: UInt64) {
      while true {
        let before = time()
        let count = served()
        let after = time()
        if after &- before < limit { return (count, after) }
      }
    }
    usleep(1000)
    let start = reading()
    var end = start
    // On a busy machine the serving thread may not have run at all.
    var rest = 1_000
    repeat {
      usleep(microseconds)
      end = reading()
      rest -= 1
    } while end.served &- start.served < 1_000 && rest > 0
    guard end.served != start.served else { return .infinity }
    return Double(end.time &- start.time) / Double(end.served &- start.served)
  }
}
