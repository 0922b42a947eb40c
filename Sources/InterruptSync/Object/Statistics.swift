// Room Object: the counts of an object. Drivers, the C and Windows layers and the daemon read them
// on any thread at any level. Counters need no lock; the list of routines needs the object's
// monitor, which no routine holds. Dispatches and calls write them under the interrupt lock, the
// serving thread its own without. The daemon restores totals on the control thread, with the
// interrupt lock taken.
import CUIO
import LinuxSystem

/// Counters of one sync object since it was made; disconnecting does not reset them.
///
/// Taken without a lock: each figure is exact, and the figures of one snapshot may be an interrupt
/// apart.
public struct InterruptStatistics: Equatable, Sendable {
  /// Interrupts the kernel counted and this object has read.
  public var interrupts: UInt64 = 0
  /// Times the routines have run for them: the claimed and the unclaimed. Not yet the one under
  /// way.
  public var dispatches: UInt64 = 0
  /// Interrupts that shared a dispatch with another. On a PCI line an upper bound: neighbours on
  /// the line can inflate the kernel's count (fact 44).
  public var coalesced: UInt64 = 0
  /// Dispatches that a routine claimed.
  public var claimed: UInt64 = 0
  /// Dispatches that no routine claimed.
  public var unclaimed: UInt64 = 0
  /// Walks of the list; more than dispatches in mode repeat only.
  public var passes: UInt64 = 0
  /// Re-arms that failed.
  public var rearmFailures: UInt64 = 0
  /// Storms that the brake stopped.
  public var storms: UInt64 = 0
  /// Those of them whose routines claimed, in this process: none silenced the device.
  public var claimedStorms: UInt64 = 0
  /// Times the Repeat guard ended a dispatch.
  public var repeatLimits: UInt64 = 0
  /// Synchronized routines run.
  public var synchronizedCalls: UInt64 = 0
  /// Calls refused because the thread already held the lock.
  public var refusedCalls: UInt64 = 0
  /// Longest time a dispatch held the lock. On a line that does not rest, it runs from the end of
  /// the dispatch before, so that the count's read and the wake-up of deferred routines are in it:
  /// never too short.
  public var longestHold = Duration.zero
  /// Longest wait for the lock by any thread.
  public var longestWait = Duration.zero
  /// Times the dispatcher's thread read on and met an interrupt, and times it met none
  /// (`WaitStrategy`). With a group these three stay 0, as the thread is the group's
  /// (`DispatcherGroup.statistics()`).
  public var spinsFound: UInt64 = 0
  /// See `spinsFound`.
  public var spinsInVain: UInt64 = 0
  /// Times it slept.
  public var sleeps: UInt64 = 0
  /// In list order.
  public var routines: [ServiceRoutineStatistics] = []

  package init() {}
}

extension InterruptStatistics {
  /// `longestHold` as files, replies and C's structures carry it.
  package var longestHoldNanoseconds: UInt64 {
    get { longestHold.inNanoseconds }
    set { longestHold = .nanoseconds(newValue) }
  }

  /// `longestWait` in the same unit.
  package var longestWaitNanoseconds: UInt64 { longestWait.inNanoseconds }
}

extension InterruptSyncObject {
  /// `dispatches` alone, without making anything. Any thread, any level.
  package var dispatchCount: UInt64 {
    let claimed = Counter.read(&storage.core.value.counters.claimed)
    return claimed &+ Counter.read(&storage.core.value.counters.unclaimed)
  }

  /// Adds what an object of an earlier process counted on the same line. It does not take over
  /// per-routine figures and the longest wait. While disconnected.
  package func restoreStatistics(_ earlier: InterruptStatistics) {
    storage.holdingLock {
      let core = storage.core
      Counter.add(&core.value.counters.interrupts, earlier.interrupts)
      Counter.add(&core.value.counters.coalesced, earlier.coalesced)
      Counter.add(&core.value.counters.claimed, earlier.claimed)
      Counter.add(&core.value.counters.unclaimed, earlier.unclaimed)
      Counter.add(&core.value.counters.passes, earlier.passes)
      Counter.add(&core.value.counters.rearmFailures, earlier.rearmFailures)
      Counter.add(&core.value.counters.storms, earlier.storms)
      Counter.add(&core.value.counters.repeatLimits, earlier.repeatLimits)
      unsafe Counter.add(&core.value.entry.calls, earlier.synchronizedCalls)
      Counter.add(&core.value.counters.refusedCalls, earlier.refusedCalls)
      Counter.raise(
        &core.value.counters.longestHold,
        to: linux_nanoseconds_to_ticks(earlier.longestHoldNanoseconds))
    }
  }

  /// Counters so far. Any thread, any level; takes no lock that a routine can hold.
  public func statistics() -> InterruptStatistics {
    var statistics = InterruptStatistics()
    let core = storage.core
    statistics.interrupts = Counter.read(&core.value.counters.interrupts)
    statistics.coalesced = Counter.read(&core.value.counters.coalesced)
    statistics.claimed = Counter.read(&core.value.counters.claimed)
    statistics.unclaimed = Counter.read(&core.value.counters.unclaimed)
    statistics.dispatches = statistics.claimed &+ statistics.unclaimed
    statistics.passes =
      mode == .repeat ? Counter.read(&core.value.counters.passes) : statistics.dispatches
    statistics.rearmFailures = Counter.read(&core.value.counters.rearmFailures)
    statistics.storms = Counter.read(&core.value.counters.storms)
    statistics.claimedStorms = Counter.read(&core.value.counters.claimedStorms)
    statistics.repeatLimits = Counter.read(&core.value.counters.repeatLimits)
    statistics.synchronizedCalls = unsafe Counter.read(&core.value.entry.calls)
    statistics.refusedCalls = Counter.read(&core.value.counters.refusedCalls)
    statistics.longestHoldNanoseconds = linux_ticks_to_nanoseconds(
      Counter.read(&core.value.counters.longestHold))
    statistics.spinsFound = Counter.read(&core.value.counters.spinsFound)
    statistics.spinsInVain = Counter.read(&core.value.counters.spinsInVain)
    statistics.sleeps = Counter.read(&core.value.counters.sleeps)
    statistics.longestWait = storage.lock.longestWait
    statistics.routines = storage.monitor.locked { storage.registrations.map(\.statistics) }
    return statistics
  }
}
