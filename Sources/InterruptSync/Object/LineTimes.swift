// Room Object: the histograms of one object: the memory that its dispatches write, and the counts at
// which a reset or a window began. Any thread; no interrupt lock.
import CUIO
import Glibc
import LinuxSystem

/// What an object's dispatches count by length. Lasts as long as the object's storage, as a dispatch
/// that has left the lock still writes it.
@safe final class LineTimes: @unchecked Sendable {
  /// One value for each quantity, in the order of `allCases`.
  private typealias Snapshot = [HistogramCounts]

  let raw: UnsafeMutablePointer<cuio_histograms>
  private let lock: InterruptLock
  /// Guards what follows.
  private let monitor = Monitor()
  private var reset: Snapshot
  private var windowStart: Snapshot
  private var windowEnd: Snapshot

  init(lock: InterruptLock) {
    self.lock = lock
    unsafe raw = CacheLine.allocate()
    // Touches every page: a dispatch does not fault on one.
    unsafe memset(raw, 0, MemoryLayout<cuio_histograms>.size)
    lock.keepWaits()
    reset = []
    windowStart = []
    windowEnd = []
    let now = snapshot
    // Waits are the lock's, and may be older than this object.
    (reset, windowStart, windowEnd) = (now, now, now)
  }

  deinit { unsafe CacheLine.deallocate(raw) }

  private var snapshot: Snapshot { InterruptHistogram.Quantity.allCases.map(counts) }

  private func counts(of quantity: InterruptHistogram.Quantity) -> HistogramCounts {
    switch quantity {
    case .service: unsafe HistogramCounts(raw.pointer(to: \.service)!)
    case .interval: unsafe HistogramCounts(raw.pointer(to: \.interval)!)
    case .latency: unsafe HistogramCounts(raw.pointer(to: \.latency)!)
    case .wait: lock.waits
    }
  }

  func histogram(
    of quantity: InterruptHistogram.Quantity, over period: InterruptHistogram.Period
  ) -> InterruptHistogram {
    let place = InterruptHistogram.Quantity.allCases.firstIndex(of: quantity) ?? 0
    let counts = monitor.locked {
      switch period {
      case .start: self.counts(of: quantity)
      case .reset: self.counts(of: quantity).since(reset[place])
      case .window: windowEnd[place].since(windowStart[place])
      }
    }
    return counts.histogram
  }

  func resetAll() { monitor.locked { reset = snapshot } }

  func turnWindow() {
    monitor.locked {
      windowStart = windowEnd
      windowEnd = snapshot
    }
  }
}

extension InterruptLock {
  /// Has waits counted by their length from now on, for the life of the lock.
  func keepWaits() {
    guard unsafe cuio_lock_waits(raw) == nil else { return }
    let waits: UnsafeMutablePointer<cuio_histogram> = unsafe CacheLine.allocate()
    unsafe memset(waits, 0, MemoryLayout<cuio_histogram>.size)
    // The memory stays with the lock's, which is never freed.
    if unsafe !cuio_lock_keep_waits(raw, waits) { unsafe CacheLine.deallocate(waits) }
  }

  var waits: HistogramCounts {
    guard let waits = unsafe cuio_lock_waits(raw) else { return HistogramCounts() }
    return unsafe HistogramCounts(waits)
  }
}
