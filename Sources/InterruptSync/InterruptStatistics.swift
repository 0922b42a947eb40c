/// Counters of one sync object since it was made; disconnecting does not reset them.
///
/// Taken without a lock: each figure is exact, and the figures of one snapshot may be an interrupt
/// apart.
public struct InterruptStatistics: Equatable, Sendable {
  /// Interrupts the kernel counted and this object was told of.
  public var interrupts: UInt64 = 0
  /// Times the routines have run for them: the claimed and the unclaimed. Not yet the one under way.
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
  /// Times the Repeat guard ended a dispatch.
  public var repeatLimits: UInt64 = 0
  /// Synchronized routines run.
  public var synchronizedCalls: UInt64 = 0
  /// Calls refused because the thread already held the lock.
  public var refusedCalls: UInt64 = 0
  /// Longest time a dispatch held the lock, in nanoseconds. On a line that does not rest, it runs
  /// from the end of the dispatch before, so that the count's read and the wake-up of deferred
  /// routines are in it: never too short.
  public var longestHold: UInt64 = 0
  /// Longest wait for the lock by anyone, in nanoseconds.
  public var longestWait: UInt64 = 0
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

  /// All zero.
  public init() {}
}

/// Counters of one registration.
public struct ServiceRoutineStatistics: Equatable, Sendable {
  /// Times the routine ran; mode repeat counts each pass (P17).
  public var calls: UInt64
  /// Times it claimed the interrupt (P19).
  public var claims: UInt64

  /// The two figures as given, for comparisons.
  ///
  /// - Parameters:
  ///   - calls: times the routine ran.
  ///   - claims: times it claimed.
  public init(calls: UInt64, claims: UInt64) {
    self.calls = calls
    self.claims = claims
  }
}
