import CUIO
import LinuxSystem

extension InterruptSyncObject {
  /// `dispatches` alone, without making anything. Any thread, any level.
  public var dispatchCount: UInt64 {
    let claimed = unsafe cuio_counter_read(&storage.core.pointee.counters.claimed)
    return unsafe claimed + cuio_counter_read(&storage.core.pointee.counters.unclaimed)
  }

  /// Adds what an object of an earlier process counted on the same line. Per-routine figures and
  /// the longest wait are not taken over. While disconnected.
  package func restoreStatistics(_ earlier: InterruptStatistics) {
    storage.holdingLock {
      let counters = unsafe storage.core.pointer(to: \.counters)!
      unsafe cuio_counter_add(&counters.pointee.interrupts, earlier.interrupts)
      unsafe cuio_counter_add(&counters.pointee.coalesced, earlier.coalesced)
      unsafe cuio_counter_add(&counters.pointee.claimed, earlier.claimed)
      unsafe cuio_counter_add(&counters.pointee.unclaimed, earlier.unclaimed)
      unsafe cuio_counter_add(&counters.pointee.passes, earlier.passes)
      unsafe cuio_counter_add(&counters.pointee.rearmFailures, earlier.rearmFailures)
      unsafe cuio_counter_add(&counters.pointee.storms, earlier.storms)
      unsafe cuio_counter_add(&counters.pointee.repeatLimits, earlier.repeatLimits)
      unsafe cuio_counter_add(&counters.pointee.synchronizedCalls, earlier.synchronizedCalls)
      unsafe cuio_counter_add(&counters.pointee.refusedCalls, earlier.refusedCalls)
      unsafe cuio_counter_raise(
        &counters.pointee.longestHold, cuio_nanoseconds_to_ticks(earlier.longestHold))
    }
  }

  /// Counters so far. Any thread, any level; takes no lock that a routine can hold.
  public func statistics() -> InterruptStatistics {
    var statistics = InterruptStatistics()
    let counters = unsafe storage.core.pointer(to: \.counters)!
    unsafe statistics.interrupts = cuio_counter_read(&counters.pointee.interrupts)
    unsafe statistics.coalesced = cuio_counter_read(&counters.pointee.coalesced)
    unsafe statistics.claimed = cuio_counter_read(&counters.pointee.claimed)
    unsafe statistics.unclaimed = cuio_counter_read(&counters.pointee.unclaimed)
    statistics.dispatches = statistics.claimed + statistics.unclaimed
    unsafe statistics.passes =
      mode == .repeat ? cuio_counter_read(&counters.pointee.passes) : statistics.dispatches
    unsafe statistics.rearmFailures = cuio_counter_read(&counters.pointee.rearmFailures)
    unsafe statistics.storms = cuio_counter_read(&counters.pointee.storms)
    unsafe statistics.repeatLimits = cuio_counter_read(&counters.pointee.repeatLimits)
    unsafe statistics.synchronizedCalls = cuio_counter_read(&counters.pointee.synchronizedCalls)
    unsafe statistics.refusedCalls = cuio_counter_read(&counters.pointee.refusedCalls)
    unsafe statistics.longestHold = cuio_ticks_to_nanoseconds(
      cuio_counter_read(&counters.pointee.longestHold))
    unsafe statistics.spinsFound = cuio_counter_read(&counters.pointee.spinsFound)
    unsafe statistics.spinsInVain = cuio_counter_read(&counters.pointee.spinsInVain)
    unsafe statistics.sleeps = cuio_counter_read(&counters.pointee.sleeps)
    statistics.longestWait = storage.lock.longestWait
    statistics.routines = storage.monitor.locked { storage.registrations.map(\.statistics) }
    return statistics
  }
}
