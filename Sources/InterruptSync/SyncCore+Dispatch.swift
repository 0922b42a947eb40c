// From the count to the re-arm. The compiler proves that nothing here allocates, counts references
// or takes a lock but the object's (@_noLocks); a disassembly gate in the tests looks at the
// result.
import CUIO

/// What a dispatch leaves to be done outside the lock: a set of bits. Here, because only constants
/// of the same file are constants to the compiler's performance checks in debug builds.
enum Outcome {
  static let stormBegan: Int32 = 1
  static let repeatLimit: Int32 = 2
  static let rearmFailed: Int32 = 4
  static let lockFailed: Int32 = 8
  static let claimed: Int32 = 16
}

/// One dispatch: lock, walk by mode, brake, re-arm, unlock (N17). Runs on the dispatcher's thread.
@_noLocks @inline(never)
func dispatchInterrupt(
  _ core: UnsafeMutablePointer<SyncCore>, _ line: UnsafeMutablePointer<cuio_line>, _ delta: UInt64
) -> Int32 {
  if unsafe cuio_lock_acquire(core.pointee.lock) != 0 { return Outcome.lockFailed }
  let level = cuio_thread_set_level(3)
  let start = unsafe startOfHold(core)
  unsafe cuio_counter_add(&core.pointee.counters.interrupts, delta)
  if delta > 1 { unsafe cuio_counter_add(&core.pointee.counters.coalesced, delta &- 1) }
  var outcome = unsafe runByMode(core)
  outcome |= unsafe applyBrake(core, outcome, line)
  // Claimed or not, else one unclaimed interrupt would silence the line for good (N17, U4).
  if unsafe core.pointee.mayRearm && !core.pointee.isBraked && !core.pointee.isHeld {
    outcome |= unsafe rearmLine(core, line)
  }
  unsafe tellWatchers(core, delta, outcome)
  let end = cuio_ticks()
  unsafe cuio_counter_raise(&core.pointee.counters.longestHold, end &- start)
  unsafe core.pointee.lastEnd = end
  _ = cuio_thread_set_level(level)
  _ = unsafe cuio_lock_release(core.pointee.lock)
  return outcome
}

/// With the lock held, behind everything that the dispatch counts but the hold itself.
@_noLocks @inline(__always)
private func tellWatchers(
  _ core: UnsafeMutablePointer<SyncCore>, _ delta: UInt64, _ outcome: Int32
) {
  guard let rings = unsafe core.pointee.rings else { return }
  let total = unsafe cuio_counter_read(&core.pointee.counters.interrupts)
  unsafe cuio_ring_put(
    rings, delta, total, outcome & Outcome.claimed != 0, core.pointee.captured,
    core.pointee.captures)
}

/// When this hold of the lock began. A reading of the clock is felt on a line that never rests:
/// there the end of the hold before stands for it, with nothing in between but the count's read.
@_noLocks @inline(__always)
private func startOfHold(_ core: UnsafeMutablePointer<SyncCore>) -> UInt64 {
  let contentions = unsafe cuio_counter_read(&core.pointee.lock.pointee.contentions)
  let last = unsafe core.pointee.lastEnd
  if unsafe last != 0 && contentions == core.pointee.contentions { return last }
  unsafe core.pointee.contentions = contentions
  return cuio_ticks()
}

/// One interrupt of a shared line, for one of the objects that share it: its list by its mode under
/// its own lock. The line's brake and re-arm are the hub's.
@_noLocks @inline(never)
func dispatchMember(_ core: UnsafeMutablePointer<SyncCore>) -> Int32 {
  if unsafe cuio_lock_acquire(core.pointee.lock) != 0 { return Outcome.lockFailed }
  let start = cuio_ticks()
  unsafe cuio_counter_add(&core.pointee.counters.interrupts, 1)
  let outcome = unsafe runByMode(core)
  if outcome & Outcome.claimed != 0 {
    unsafe cuio_counter_add(&core.pointee.counters.claimed, 1)
  } else {
    unsafe cuio_counter_add(&core.pointee.counters.unclaimed, 1)
  }
  unsafe tellWatchers(core, 1, outcome)
  unsafe cuio_counter_raise(&core.pointee.counters.longestHold, cuio_ticks() &- start)
  _ = unsafe cuio_lock_release(core.pointee.lock)
  return outcome
}

/// Runs the mode's algorithm (P15 to P20). With the lock held.
@_noLocks @inline(__always)
private func runByMode(_ core: UnsafeMutablePointer<SyncCore>) -> Int32 {
  switch unsafe core.pointee.mode {
  case .normal: return unsafe walk(core, stopsAtClaim: true) ? Outcome.claimed : 0
  case .all: return unsafe walk(core, stopsAtClaim: false) ? Outcome.claimed : 0
  case .repeat:
    var outcome: Int32 = 0
    var passes: UInt64 = 0
    // A claim in any pass makes the interrupt handled, although the last pass has none (P19).
    while true {
      unsafe cuio_counter_add(&core.pointee.counters.passes, 1)
      guard unsafe walk(core, stopsAtClaim: false) else { return outcome }
      outcome = Outcome.claimed
      passes &+= 1
      if unsafe passes >= core.pointee.repeatLimit {
        unsafe cuio_counter_add(&core.pointee.counters.repeatLimits, 1)
        return outcome | Outcome.repeatLimit
      }
    }
  }
}

/// One pass, head to tail. A routine cancelled meanwhile is passed over.
@_noLocks @inline(__always)
private func walk(_ core: UnsafeMutablePointer<SyncCore>, stopsAtClaim: Bool) -> Bool {
  var isClaimed = false
  var next = unsafe core.pointee.head
  while let node = unsafe next {
    if unsafe !node.pointee.isCancelled {
      let status = unsafe cuio_call(node.pointee.routine, core.pointee.object, node.pointee.context)
      if unsafe status == 0 || (status > 0 && core.pointee.acceptsAnySuccess) {
        unsafe cuio_counter_add(&node.pointee.claims, 1)
        isClaimed = true
        if stopsAtClaim { break }
      } else {
        unsafe cuio_counter_add(&node.pointee.refusals, 1)
      }
    }
    unsafe next = node.pointee.next
  }
  return isClaimed
}

/// Counts unclaimed dispatches in a row and stops the line at the limit (N20). With the lock held.
@_noLocks @inline(__always)
private func applyBrake(
  _ core: UnsafeMutablePointer<SyncCore>, _ outcome: Int32, _ line: UnsafeMutablePointer<cuio_line>
) -> Int32 {
  if outcome & Outcome.claimed != 0 {
    unsafe cuio_probe_dispatch_claimed(line)
    unsafe cuio_counter_add(&core.pointee.counters.claimed, 1)
    unsafe core.pointee.unclaimedInARow = 0
    return 0
  }
  unsafe cuio_probe_dispatch_unclaimed(line)
  unsafe cuio_counter_add(&core.pointee.counters.unclaimed, 1)
  let now = cuio_ticks()
  if unsafe now &- core.pointee.lastUnclaimed > core.pointee.stormWindow {
    unsafe core.pointee.unclaimedInARow = 0
  }
  unsafe core.pointee.lastUnclaimed = now
  // Not &+=, which to the thread sanitizer modifies all of `core`, whose lock others read.
  unsafe core.pointee.unclaimedInARow = unsafe core.pointee.unclaimedInARow &+ 1
  guard unsafe core.pointee.stormLimit != 0,
    unsafe core.pointee.unclaimedInARow >= core.pointee.stormLimit
  else {
    return 0
  }
  unsafe core.pointee.isBraked = true
  unsafe cuio_probe_storm_masked(line, core.pointee.unclaimedInARow)
  return Outcome.stormBegan
}

/// Unmasks the line. With the lock held.
@_noLocks @inline(__always)
func rearmLine(_ core: UnsafeMutablePointer<SyncCore>, _ line: UnsafeMutablePointer<cuio_line>)
  -> Int32
{
  let result = unsafe cuio_line_rearm(line)
  if result == 0 {
    unsafe cuio_probe_line_rearmed(line, 0)
    return 0
  }
  unsafe cuio_probe_line_rearmed(line, result)
  unsafe core.pointee.rearmError = result
  unsafe cuio_counter_add(&core.pointee.counters.rearmFailures, 1)
  return Outcome.rearmFailed
}
