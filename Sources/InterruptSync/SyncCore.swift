// What the dispatcher works on: plain memory, no references, so that nothing on the path counts
// them. All fields but the counters belong to the holder of the interrupt lock; the counters are
// written by the holder and read by anyone.
import CUIO

/// One entry of the list of service routines.
@safe struct RoutineNode {
  let routine: cuio_routine
  let context: UnsafeMutableRawPointer?
  /// Set when it was cancelled from inside a routine, while a walk may stand on it.
  var isCancelled = false
  /// Calls that claimed, and those that did not: one counter is touched for a call.
  var claims: UInt64 = 0
  var refusals: UInt64 = 0
  var next: UnsafeMutablePointer<RoutineNode>?
}

/// In the order in which a dispatch meets them: the first four share a cache line.
struct SyncCounters {
  var interrupts: UInt64 = 0
  /// Dispatches that were claimed, and those that were not: one counter is touched for each.
  var claimed: UInt64 = 0
  var unclaimed: UInt64 = 0
  var longestHold: UInt64 = 0
  var coalesced: UInt64 = 0
  /// Of mode repeat; the others pass once for each dispatch.
  var passes: UInt64 = 0
  var synchronizedCalls: UInt64 = 0
  var refusedCalls: UInt64 = 0
  var rearmFailures: UInt64 = 0
  var storms: UInt64 = 0
  var repeatLimits: UInt64 = 0
  // The dispatcher's thread writes these without the lock; it is the only one.
  var spinsFound: UInt64 = 0
  var spinsInVain: UInt64 = 0
  var sleeps: UInt64 = 0
}

/// What every dispatch looks at comes first: a cache line of it, and one of counters.
@safe struct SyncCore {
  let lock: UnsafeMutablePointer<cuio_lock>
  /// First argument of every routine (P6).
  var object: UnsafeMutableRawPointer?
  var head: UnsafeMutablePointer<RoutineNode>?
  /// Where each dispatch leaves an event for those who watch, or nil.
  var rings: UnsafeMutablePointer<cuio_ring>?
  /// When the last dispatch let go of the lock; 0 once the line has been found quiet since.
  var lastEnd: UInt64 = 0
  /// The lock's contentions at the last reading of the clock.
  var contentions: UInt64 = 0
  let mode: InterruptSyncMode
  /// Any success-class status claims, not only STATUS_SUCCESS (N5).
  let acceptsAnySuccess: Bool
  var mayRearm = false
  /// The line is masked and stays so until the brake lets go.
  var isBraked = false
  /// A routine has asked for the line to stay masked until it is released (holdLine).
  var isHeld = false
  var unclaimedInARow: UInt32 = 0
  /// The -errno of the last re-arm that failed.
  var rearmError: Int32 = 0
  var counters = SyncCounters()

  /// Passes of one dispatch in mode repeat.
  let repeatLimit: UInt64
  let stormLimit: UInt32
  /// Ticks without an unclaimed dispatch after which the count starts anew.
  let stormWindow: UInt64
  var lastUnclaimed: UInt64 = 0
  /// What the routines captured for those events, and how many values; nil when none does.
  var captured: UnsafePointer<UInt64>?
  var captures: UInt32 = 0
}
