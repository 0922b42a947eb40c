import CFloor
import Glibc
import InterruptSync
import LinuxSystem

/// What observers cost the holder of the interrupt lock: the longest hold of some dispatches with 64
/// of them, each of which asks to be woken at every record, against that with none. Many short
/// windows in turns: in a long one the longest hold is that in which the host or a timer of the
/// kernel's took the processor.
enum ObserverBenchmark {
  private static let observers = 64
  private static let rounds = 801
  private static let dispatches: UInt64 = 50

  static func run() throws -> [Measurement] {
    floor_unpin()
    var (observed, alone): ([Double], [Double]) = ([], [])
    var records: UInt64 = 0
    for _ in 0..<rounds {
      alone.append(try round(observers: 0).hold)
      let (hold, seen) = try round(observers: observers)
      observed.append(hold)
      records += seen
    }
    return [
      Measurement(
        "longest hold with 64 observers, of 50 dispatches, against none", ours: observed,
        peer: alone, unit: "ns", bar: 1.1),
      Measurement(
        "records that each of them got", count: records,
        wanted: dispatches * UInt64(observers * rounds), unit: "records"),
    ]
  }

  /// The longest hold, and the records that all observers got or know that they missed.
  private static func round(observers: Int) throws -> (hold: Double, records: UInt64) {
    let line = try SoftwareLine()
    // At a real-time priority: what is measured is the hold, not who else gets the processor in it.
    let options = InterruptSyncOptions(dispatcher: DispatcherAttributes(policy: .fifo(40)))
    let object = InterruptSyncObject(source: line, mode: .normal, options: options)
    try object.registerServiceRoutine { .success }
    try object.connect()
    let rings = try (0..<observers).map { _ in try RingReader(object, capacity: 512) }
    for count in 1...dispatches {
      line.trigger()
      while object.dispatchCount < count { usleep(20) }
      for ring in rings { ring.asksToBeWoken() }
    }
    let records = try rings.map { try $0.records(dispatches) }.reduce(0, +)
    let hold = object.statistics().longestHold
    try object.disconnect()
    let (_, attoseconds) = hold.components
    return (Double(attoseconds) / 1e9, records)
  }
}
