import CUIO

extension InterruptSyncObject {
  /// `dispatches` alone, without making anything. Any thread, any level.
  public var dispatchCount: UInt64 {
    unsafe cuio_counter_read(&storage.core.pointee.counters.dispatches)
  }

  /// Counters so far. Any thread, any level; takes no lock that a routine can hold.
  public func statistics() -> InterruptStatistics {
    var statistics = InterruptStatistics()
    let counters = unsafe storage.core.pointer(to: \.counters)!
    unsafe statistics.interrupts = cuio_counter_read(&counters.pointee.interrupts)
    unsafe statistics.dispatches = cuio_counter_read(&counters.pointee.dispatches)
    unsafe statistics.coalesced = cuio_counter_read(&counters.pointee.coalesced)
    unsafe statistics.claimed = cuio_counter_read(&counters.pointee.claimed)
    unsafe statistics.unclaimed = cuio_counter_read(&counters.pointee.unclaimed)
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
