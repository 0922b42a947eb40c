import CFloor
import CUIO
import Glibc
import InterruptSync
import LinuxSystem

/// What observers cost the holder of the interrupt lock: the longest hold of some dispatches with 64
/// of them, each of which asks to be woken at every record, against that with none. Many short
/// windows in turns: in a long one the longest hold is that in which the host or a timer of the
/// kernel's took the processor.
enum ObserverBenchmark {
  private static let observers = 64
  private static let rounds = 201
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
    let rings = try (0..<observers).map { _ in try Reader(object) }
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

/// What a client has of a ring: its memory, and the end that wakes it.
@safe private final class Reader {
  private let ring: SharedRing
  private let ends: SharedRing.Ends
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let size: UInt64

  init(_ object: InterruptSyncObject) throws {
    (ring, ends) = try SharedRing.make(of: object, capacity: 512)
    var page: UnsafeMutablePointer<cuio_ring_page>?
    var size: UInt64 = 0
    guard unsafe cuio_ring_map(ends.memory.raw, &page, &size) == 0, let page = unsafe page else {
      throw BenchmarkFailure("cannot map a ring")
    }
    unsafe self.page = unsafe page
    self.size = size
  }

  deinit { _ = unsafe cuio_unmap(page, Int(size)) }

  func asksToBeWoken() { _ = unsafe cuio_ring_sleep(page) }

  /// Waits until the records of so many dispatches are there or counted as dropped.
  func records(_ wanted: UInt64) throws -> UInt64 {
    let end = probe_now() + 10_000_000_000
    while probe_now() < end {
      let count = unsafe cuio_counter_read(&page.pointee.written) + cuio_ring_dropped(page)
      if count >= wanted { return count }
      usleep(100)
    }
    throw BenchmarkFailure("a ring did not get its records in 10 s")
  }
}
