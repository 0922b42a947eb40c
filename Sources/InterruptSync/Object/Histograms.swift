// Room Object: an object's histograms as its owner asks for them, and how a connection begins with
// them. Any thread reads; the interrupt lock is taken only to hand the memory to the dispatches.
import CUIO
import LinuxSystem

extension SyncStorage {
  /// Makes the memory, once, and hands it to the dispatches.
  func keepTimes() {
    let times = monitor.locked {
      let times = self.times ?? LineTimes(lock: lock)
      self.times = times
      return times
    }
    holdingLock {
      guard unsafe core.value.times == nil else { return }
      unsafe times.raw.pointee.cause = lineCause
      unsafe core.value.times = times.raw
    }
    unsafe cuio_followers_add(&core.value.followers, UInt8(CUIO_FOLLOWERS_TIMES))
  }

  /// The line's clock is this one from now on, and the time before is no interval. With the lock
  /// held, at connect, while no thread serves the line.
  func time(_ line: InterruptLine) {
    unsafe lineCause = line.cause
    guard let times = unsafe core.value.times else { return }
    unsafe times.pointee.cause = lineCause
    unsafe times.pointee.last_start = 0
  }
}

extension InterruptSyncObject {
  /// Counts times by their length from now on, for the life of the object; the option `histograms`
  /// does it from the start. Takes 16 KiB, and at most 3 % of a dispatch, after its lock.
  ///
  /// Any thread up to DIRQL; waits for the interrupt lock.
  public func keepHistograms() { storage.keepTimes() }

  /// How often times of which length came; nil where histograms are not kept. Any thread at
  /// PASSIVE_LEVEL; takes no lock that a routine can hold.
  public func histogram(
    of quantity: InterruptHistogram.Quantity, over period: InterruptHistogram.Period = .start
  ) -> InterruptHistogram? {
    storage.monitor.locked { storage.times }?.histogram(of: quantity, over: period)
  }

  /// Begins the period `reset` again. Level and lock as `histogram(of:over:)`.
  public func resetHistograms() { storage.monitor.locked { storage.times }?.resetAll() }

  /// Ends a window, which the period `window` is from now on, and begins the next. Call it at an
  /// interval of your choice. Level and lock as `histogram(of:over:)`.
  public func turnHistogramWindow() { storage.monitor.locked { storage.times }?.turnWindow() }

  /// Says when the cause of the present dispatch happened, for the latencies of `histogram(of:over:)`:
  /// what a device with a clock, or the code that triggered it, knows. Inside a service routine; does
  /// nothing elsewhere, and where histograms are not kept.
  /// - Parameter time: since the zero of CLOCK_MONOTONIC.
  public func noteCause(at time: Duration) {
    guard storage.lock.isHeldByCaller, let times = unsafe storage.core.value.times else { return }
    unsafe cuio_histograms_note_cause(times, time.inNanoseconds)
  }
}
