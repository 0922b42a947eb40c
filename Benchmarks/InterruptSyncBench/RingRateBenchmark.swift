import CFloor
import CUIO
import Glibc
import InterruptSync
import LinuxSystem

/// Records through a ring from a line that fires as fast as it can, to a reader that never sleeps: the cost
/// of a dispatch while its record is taken, against one without observers, and the records that were
/// dropped. The dispatcher has one processor; the observers' thread and the reader share the rest.
enum RingRateBenchmark {
  private static let rounds = 11
  private static let window: UInt64 = 200_000_000
  private static let capacity = 65_536

  static func run(processor: Int) throws -> [Measurement] {
    floor_unpin()
    var (observed, alone): ([Double], [Double]) = ([], [])
    var (rates, dropped): ([Double], UInt64) = ([], 0)
    for round in 0..<rounds {
      if round % 2 == 0 { alone.append(try dispatches(processor)) }
      let (time, read, lost) = try records(processor)
      observed.append(time / Double(read + lost))
      rates.append(Double(read) / time * 1e9)
      dropped += lost
      if round % 2 != 0 { alone.append(try dispatches(processor)) }
    }
    return [
      Measurement(
        "dispatch whose record a client takes from a ring, against one without observers",
        ours: observed, peer: alone, unit: "ns/interrupt"),
      Measurement(
        "records taken from a ring, of a line that fires as fast as it can", alone: rates,
        unit: "records/s"),
      Measurement("records of it that were dropped", count: dropped, wanted: 0, unit: "records"),
    ]
  }

  private static func connected(_ processor: Int) throws -> InterruptSyncObject {
    let options = InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor]))
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all, options: options)
    try object.registerServiceRoutine { .success }
    try object.connect()
    return object
  }

  /// Nanoseconds of a dispatch.
  private static func dispatches(_ processor: Int) throws -> Double {
    let object = try connected(processor)
    usleep(2000)
    let start = (object.dispatchCount, probe_now())
    usleep(useconds_t(window / 1000))
    let end = (object.dispatchCount, probe_now())
    try object.disconnect()
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }

  /// Nanoseconds, and the records that were read and dropped in them.
  private static func records(_ processor: Int) throws -> (Double, read: UInt64, dropped: UInt64) {
    let object = try connected(processor)
    usleep(2000)
    let reader = try RingReader(object, capacity: capacity)
    let start = probe_now()
    var (now, read): (UInt64, UInt64) = (start, 0)
    while now - start < window {
      // The clock now and then only.
      for _ in 0..<1000 where reader.take() { read += 1 }
      now = probe_now()
    }
    let dropped = reader.dropped
    try object.disconnect()
    return (Double(now - start), read, dropped)
  }
}

/// What a client has of a ring: its memory, and the end that wakes it.
@safe final class RingReader {
  private let ring: SharedRing
  private let ends: SharedRing.Ends
  private let page: UnsafeMutablePointer<cuio_ring_page>
  private let size: UInt64
  private var entry = cuio_ring_entry()

  init(_ object: InterruptSyncObject, capacity: Int) throws {
    (ring, ends) = try SharedRing.make(of: object, capacity: capacity)
    var page: UnsafeMutablePointer<cuio_ring_page>?
    var size: UInt64 = 0
    guard unsafe cuio_ring_map(ends.memory.raw, &page, &size) == 0, let page = unsafe page else {
      throw BenchmarkFailure("cannot map a ring")
    }
    unsafe self.page = unsafe page
    self.size = size
  }

  deinit { _ = unsafe cuio_unmap(page, Int(size)) }

  /// Whether there was a record.
  func take() -> Bool {
    unsafe cuio_ring_take(page, cuio_ring_entries(page), page.pointee.capacity - 1, &entry)
  }

  var dropped: UInt64 { unsafe cuio_ring_dropped(page) }

  func asksToBeWoken() { _ = unsafe cuio_ring_sleep(page) }

  /// Waits until the records of so many dispatches are there or counted as dropped.
  func records(_ wanted: UInt64) throws -> UInt64 {
    let end = probe_now() + 10_000_000_000
    while probe_now() < end {
      let count = unsafe cuio_counter_read(&page.pointee.written) + dropped
      if count >= wanted { return count }
      usleep(100)
    }
    throw BenchmarkFailure("a ring did not get its records in 10 s")
  }
}
