// The reading end of a ring of this process's own.
import CUIO
import InterruptSync

/// Reads a ring that this process writes as well. One thread at a time.
@safe struct RingReader {
  private let ring: SharedRing

  init(_ ring: SharedRing) { self.ring = ring }

  func take() -> cuio_ring_entry? {
    var entry = cuio_ring_entry()
    return ring.take(&entry) ? entry : nil
  }

  /// True when an event has come meanwhile.
  func sleeps() -> Bool { ring.sleeps() }

  static func captured(_ entry: cuio_ring_entry) -> [UInt64] {
    let values = entry.captured
    let all = [
      values.0, values.1, values.2, values.3, values.4, values.5, values.6, values.7,
    ]
    return Array(all.prefix(Int(entry.captures)))
  }
}
