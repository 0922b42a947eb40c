// Room Core: from the count to the re-arm, and the plain memory it works on. DispatcherThread,
// GroupMember and, for a member of a shared line, Membership call it on the serving thread; it
// takes the object's interrupt lock and no other. No references and integers for errors: the
// compiler proves it (@_noLocks), and a disassembly gate looks at the machine code. One file,
// because in debug builds those checks see into no other.
//
// Fields of the core belong to the holder of the interrupt lock, unless they say otherwise;
// `lastEnd` and `turnsLeft` are the serving thread's, `inactive` is a flag that any thread raises.
// A counter has one writer at a time, and any thread reads it.
import CUIO

/// Why a line is masked. It is re-armed only while the set is empty (`rearmIfUnmasked`).
struct MaskReasons: OptionSet {
  let rawValue: UInt8

  // Computed, and with their own `isEmpty` and `union`: the compiler's performance checks accept
  // neither a global nor a generic default on the hot path of a debug build.

  /// The object is not connected: not yet, not any more, or about to be disconnected (N11).
  static var disconnected: MaskReasons { @_transparent get { MaskReasons(rawValue: 1) } }
  /// The storm brake holds the line (N20).
  static var storm: MaskReasons { @_transparent get { MaskReasons(rawValue: 2) } }
  /// A routine deferred the re-arm until `releaseLine()`.
  static var deferred: MaskReasons { @_transparent get { MaskReasons(rawValue: 4) } }

  @_transparent init(rawValue: UInt8) { self.rawValue = rawValue }
  var isEmpty: Bool { @_transparent get { rawValue == 0 } }
  @_transparent func union(_ other: MaskReasons) -> MaskReasons {
    MaskReasons(rawValue: rawValue | other.rawValue)
  }
}

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

/// In the order in which a dispatch meets them: the first four share a cache line with what else it
/// needs of the core.
struct SyncCounters {
  var interrupts: UInt64 = 0
  /// Dispatches that were claimed, and those that were not: one counter is touched for each.
  var claimed: UInt64 = 0
  var unclaimed: UInt64 = 0
  var longestHold: UInt64 = 0
  var coalesced: UInt64 = 0
  /// Of mode repeat; the others pass once for each dispatch.
  var passes: UInt64 = 0
  var refusedCalls: UInt64 = 0
  var rearmFailures: UInt64 = 0
  var storms: UInt64 = 0
  /// Those of them whose routines claimed.
  var claimedStorms: UInt64 = 0
  var repeatLimits: UInt64 = 0
  // The serving thread writes these without the lock; it is the only one.
  var spinsFound: UInt64 = 0
  var spinsInVain: UInt64 = 0
  var sleeps: UInt64 = 0
}

/// What every dispatch looks at comes first, in two cache lines.
@safe struct SyncCore {
  /// All that a synchronized call looks at.
  var entry: cuio_entry
  var head: UnsafeMutablePointer<RoutineNode>?
  /// Where each dispatch leaves a record for the observers, or nil. Any thread publishes it
  /// (cuio_ring_publish); the dispatch alone reads it, if it is followed.
  var records: UnsafeMutablePointer<cuio_ring>?
  /// When the last dispatch released the lock; 0 once the line has been found quiet since. While a
  /// dispatch runs, the last reading of the clock in it: when the hold began, or its last member's
  /// ended.
  var lastEnd: UInt64 = 0
  /// The lock's contentions at the last reading of the clock.
  var contentions: UInt64 = 0
  let mode: InterruptSyncMode
  /// Any success-class status claims, not only STATUS_SUCCESS (N5).
  let acceptsAnySuccess: Bool
  var masked = MaskReasons.disconnected
  /// What a dispatch leaves something for (cuio_followers.h): the one look at who follows it.
  var followers: UInt8 = 0
  var unclaimedInARow: UInt32 = 0
  /// The -errno of the last re-arm that failed; 0 once one outside of a dispatch has worked.
  var rearmError: Int32 = 0
  /// Dispatches until the serving thread looks around (`Connection.handle`).
  var turnsLeft: UInt32 = 1
  /// Values that go with the records.
  var captures = unsafe cuio_captures()
  var counters = SyncCounters()

  /// Passes of one dispatch in mode repeat.
  let repeatLimit: UInt64
  let stormLimit: UInt32
  /// Ticks without an unclaimed dispatch after which the count starts again.
  let stormWindow: UInt64
  var lastUnclaimed: UInt64 = 0
  /// The first of those in a row, and within how many ticks of it the limit makes a storm.
  var firstUnclaimed: UInt64 = 0
  let stormSpan: UInt64
  /// Which connection the line is of: its `stop`, or nil while there is none.
  var connection: UnsafeMutablePointer<UInt32>?
  /// Where the serving thread leaves what times it has seen; nil until they are kept, and then the
  /// same for the life of the object.
  var times: UnsafeMutablePointer<cuio_histograms>?
  /// Of the hub of a shared line: a flag, up while every member is inactive.
  var inactive: UInt32 = 0
  /// The last dispatch found it up. The serving thread's own, as the next.
  var wasInactive = false
  /// A member has something to report.
  var membersReport = false
}

/// One value in memory of its own. A cell owns nothing and adds neither a lock nor an instruction;
/// who may touch the value is said where its type is declared.
@safe struct Cell<Value>: Equatable, @unchecked Sendable {
  /// For C functions, which take the address.
  let pointer: UnsafeMutablePointer<Value>

  @_transparent init(_ pointer: UnsafeMutablePointer<Value>) { unsafe self.pointer = pointer }

  static func == (a: Cell, b: Cell) -> Bool { unsafe a.pointer == b.pointer }

  var value: Value {
    @_transparent unsafeAddress { unsafe UnsafePointer(pointer) }
    @_transparent nonmutating unsafeMutableAddress { unsafe pointer }
  }
}

/// Figures with one writer at a time and any number of readers, which take no lock. Functions of
/// the address, as to the thread sanitizer a mutating method modifies all of the core, whose lock
/// others read.
enum Counter {
  @safe @_transparent static func add(_ counter: UnsafeMutablePointer<UInt64>, _ amount: UInt64) {
    unsafe cuio_counter_add(counter, amount)
  }

  /// Keeps the larger of the two.
  @safe @_transparent static func raise(
    _ counter: UnsafeMutablePointer<UInt64>, to value: UInt64
  ) {
    unsafe cuio_counter_raise(counter, value)
  }

  /// Any thread.
  @safe @_transparent static func read(_ counter: UnsafeMutablePointer<UInt64>) -> UInt64 {
    unsafe cuio_counter_read(counter)
  }
}

/// What a dispatch leaves to be done outside the lock: a set of bits. Computed, as a
/// global could take a lock.
enum Outcome {
  static var stormBegan: Int32 { @_transparent get { 1 } }
  static var repeatLimit: Int32 { @_transparent get { 2 } }
  static var rearmFailed: Int32 { @_transparent get { 4 } }
  static var lockFailed: Int32 { @_transparent get { 8 } }
  static var claimed: Int32 { @_transparent get { 16 } }
  /// The line was unmasked, which it is not while something masks it.
  static var rearmed: Int32 { @_transparent get { 32 } }
  /// What leaves nothing to be done.
  static var ordinary: Int32 { @_transparent get { 48 } }
}

/// One dispatch: enter, walk by mode, look for a storm, re-arm, leave (N17). Called without the
/// lock.
@_noLocks @inline(never)
func dispatchInterrupt(
  _ core: Cell<SyncCore>, _ line: UnsafeMutablePointer<cuio_line>, _ delta: UInt64
) -> Int32 {
  let level = unsafe cuio_lock_enter(core.value.entry.lock, nil)
  if level < 0 { return Outcome.lockFailed }
  let start = startOfHold(core, since: core)
  Counter.add(&core.value.counters.interrupts, delta)
  if delta > 1 { Counter.add(&core.value.counters.coalesced, delta &- 1) }
  var outcome = runByMode(core)
  outcome |= unsafe countClaim(core, outcome, line)
  // Claimed or not, else one unclaimed interrupt would silence the line permanently (N17, U4).
  outcome |= unsafe rearmIfUnmasked(core, line)
  if unsafe cuio_followers_exist(&core.value.followers) {
    return leaveFollowed(core, of: core, level, start, delta, outcome)
  }
  _ = endHold(core, of: core, start)
  unsafe cuio_lock_leave(core.value.entry.lock, level)
  return outcome
}

/// One interrupt of a shared line, for one of the objects that share it: its list by its mode under
/// its own lock. Inside the hub's lock; the line's brake and re-arm are the hub's.
@_noLocks @inline(never)
func dispatchMember(_ core: Cell<SyncCore>, of hub: Cell<SyncCore>) -> Int32 {
  let level = unsafe cuio_lock_enter(core.value.entry.lock, nil)
  if level < 0 { return Outcome.lockFailed }
  let start = startOfHold(core, since: hub)
  Counter.add(&core.value.counters.interrupts, 1)
  let outcome = runByMode(core)
  if outcome & Outcome.claimed != 0 {
    Counter.add(&core.value.counters.claimed, 1)
  } else {
    Counter.add(&core.value.counters.unclaimed, 1)
  }
  if unsafe cuio_followers_exist(&core.value.followers) {
    return leaveFollowed(core, of: hub, level, start, 1, outcome)
  }
  _ = endHold(core, of: hub, start)
  unsafe cuio_lock_leave(core.value.entry.lock, level)
  return outcome
}

/// The hold ends now: `line` says so to the one that follows (`startOfHold`).
@_noLocks @inline(__always)
private func endHold(
  _ core: Cell<SyncCore>, of line: Cell<SyncCore>, _ start: UInt64
) -> UInt64 {
  let end = linux_ticks()
  Counter.raise(&core.value.counters.longestHold, to: end &- start)
  line.value.lastEnd = end
  return end
}

/// The end of a dispatch that is followed: leaves the lock, and then its times. Others pay one look.
@_noLocks @inline(__always)
private func leaveFollowed(
  _ core: Cell<SyncCore>, of line: Cell<SyncCore>, _ level: Int32, _ start: UInt64,
  _ delta: UInt64, _ outcome: Int32
) -> Int32 {
  if unsafe cuio_ring_is_published(&core.value.records) {
    return leaveRecord(core, of: line, level, start, delta, outcome)
  }
  let end = endHold(core, of: line, start)
  let times = unsafe core.value.times
  unsafe cuio_lock_leave(core.value.entry.lock, level)
  if let times = unsafe times { unsafe cuio_histograms_record(times, start, end) }
  return outcome
}

/// The end of a dispatch that is observed: leaves the lock, and then a record for the observers, one
/// however many observe, and its times. Out of line: the dispatch itself stays small.
@_noLocks @inline(never)
private func leaveRecord(
  _ core: Cell<SyncCore>, of line: Cell<SyncCore>, _ level: Int32, _ start: UInt64,
  _ delta: UInt64, _ outcome: Int32
) -> Int32 {
  let ring = unsafe cuio_ring_note(&core.value.records, &core.value.captures)
  let end = endHold(core, of: line, start)
  let times = unsafe core.value.times
  unsafe cuio_ring_leave(
    ring, core.value.entry.lock, level, delta, &core.value.counters.interrupts,
    outcome & Outcome.claimed != 0)
  if let times = unsafe times { unsafe cuio_histograms_record(times, start, end) }
  return outcome
}

/// When this hold of the lock began. Reading the clock is felt on a line that never rests: there
/// the end of the hold before counts as the start, with only the count's read in between. That of
/// `line`, whose lock is held as well: the object itself, or the hub that it is a member of.
@_noLocks @inline(__always)
private func startOfHold(_ core: Cell<SyncCore>, since line: Cell<SyncCore>) -> UInt64 {
  let contentions = unsafe cuio_counter_read(&core.value.entry.lock.pointee.contentions)
  let last = line.value.lastEnd
  if last != 0 && contentions == core.value.contentions { return last }
  core.value.contentions = contentions
  let now = linux_ticks()
  line.value.lastEnd = now
  return now
}

/// Runs the mode's algorithm (P15 to P20). With the lock held.
@_noLocks @inline(__always)
private func runByMode(_ core: Cell<SyncCore>) -> Int32 {
  switch core.value.mode {
  case .normal: return walk(core, stopsAtClaim: true) ? Outcome.claimed : 0
  case .all: return walk(core, stopsAtClaim: false) ? Outcome.claimed : 0
  case .repeat:
    var outcome: Int32 = 0
    var passes: UInt64 = 0
    // A claim in any pass makes the interrupt handled, although the last pass has none (P19).
    while true {
      Counter.add(&core.value.counters.passes, 1)
      guard walk(core, stopsAtClaim: false) else { return outcome }
      outcome = Outcome.claimed
      passes &+= 1
      if passes >= core.value.repeatLimit {
        Counter.add(&core.value.counters.repeatLimits, 1)
        return outcome | Outcome.repeatLimit
      }
    }
  }
}

/// One pass, head to tail. A routine cancelled meanwhile is passed over.
@_noLocks @inline(__always)
private func walk(_ core: Cell<SyncCore>, stopsAtClaim: Bool) -> Bool {
  var isClaimed = false
  var next = unsafe core.value.head
  while let node = unsafe next {
    if unsafe !node.pointee.isCancelled {
      let status = unsafe cuio_call(
        node.pointee.routine, core.value.entry.object, node.pointee.context)
      if status == 0 || (status > 0 && core.value.acceptsAnySuccess) {
        unsafe Counter.add(&node.pointee.claims, 1)
        isClaimed = true
        if stopsAtClaim { break }
      } else {
        unsafe Counter.add(&node.pointee.refusals, 1)
      }
    }
    unsafe next = node.pointee.next
  }
  return isClaimed
}

/// Has the dispatch that runs mask the line as in a storm, which it is not (`Connection.brake`). From
/// a routine of the hub's, if every member is inactive (W11).
func maskIfInactive(_ hub: Cell<SyncCore>) {
  guard unsafe cuio_flag_is_up(&hub.value.inactive), hub.value.stormLimit != 0 else { return }
  hub.value.wasInactive = true
  hub.value.unclaimedInARow = hub.value.stormLimit &- 1
  hub.value.lastUnclaimed = linux_ticks()
  hub.value.firstUnclaimed = hub.value.lastUnclaimed
}

/// Counts unclaimed dispatches in a row and masks the line at the limit (N20). With the lock held.
@_noLocks @inline(__always)
private func countClaim(
  _ core: Cell<SyncCore>, _ outcome: Int32, _ line: UnsafeMutablePointer<cuio_line>
) -> Int32 {
  if outcome & Outcome.claimed != 0 {
    unsafe cuio_probe_dispatch_claimed(line)
    Counter.add(&core.value.counters.claimed, 1)
    core.value.unclaimedInARow = 0
    return 0
  }
  unsafe cuio_probe_dispatch_unclaimed(line)
  Counter.add(&core.value.counters.unclaimed, 1)
  let now = linux_ticks()
  // A kick that comes late is a kick all the same.
  if now &- core.value.lastUnclaimed > core.value.stormWindow, core.value.unclaimedInARow != .max {
    core.value.unclaimedInARow = 0
  }
  if core.value.unclaimedInARow == 0 { core.value.firstUnclaimed = now }
  core.value.lastUnclaimed = now
  // Not &+=, which to the thread sanitizer modifies all of `core`, whose lock others read.
  core.value.unclaimedInARow = core.value.unclaimedInARow &+ 1
  guard core.value.stormLimit != 0, core.value.unclaimedInARow >= core.value.stormLimit else {
    return 0
  }
  // So few in a second cost next to nothing: a neighbour's on a shared line.
  guard now &- core.value.firstUnclaimed <= core.value.stormSpan else {
    core.value.unclaimedInARow = 0
    return 0
  }
  core.value.masked = core.value.masked.union(.storm)
  unsafe cuio_probe_storm_masked(line, core.value.unclaimedInARow)
  return Outcome.stormBegan
}

/// Unmasks the line unless something masks it: every re-arm goes through here. With the lock held.
/// - Returns: `rearmed`, 0 if something masks the line, or `rearmFailed` with the number in
///   `rearmError`.
@_noLocks @inline(__always)
func rearmIfUnmasked(_ core: Cell<SyncCore>, _ line: UnsafeMutablePointer<cuio_line>) -> Int32 {
  guard core.value.masked.isEmpty else { return 0 }
  let result = unsafe cuio_line_rearm(line)
  if result == 0 {
    unsafe cuio_probe_line_rearmed(line, 0)
    return Outcome.rearmed
  }
  unsafe cuio_probe_line_rearmed(line, result)
  core.value.rearmError = result
  Counter.add(&core.value.counters.rearmFailures, 1)
  return Outcome.rearmFailed
}

/// The same outside of a dispatch, which also notes that no failure is left. With the lock held.
func rearmAgain(_ core: Cell<SyncCore>, _ line: UnsafeMutablePointer<cuio_line>) -> Int32 {
  let outcome = unsafe rearmIfUnmasked(core, line)
  if outcome & Outcome.rearmed != 0 { core.value.rearmError = 0 }
  return outcome
}
