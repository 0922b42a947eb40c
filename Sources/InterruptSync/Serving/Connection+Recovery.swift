// Room Serving: repairs after a dispatch, which cannot be made under the lock, such as a second try
// of a failed re-arm. DispatcherThread and GroupThread call it on the serving thread at
// PASSIVE_LEVEL, without the interrupt lock, which it takes for a moment to re-arm or to look at
// the mask. Nothing here waits: the thread asks again when the time has come. A report comes last,
// since its handler may end the connection.
import CUIO
import Glibc
import Synchronization
import UIO

extension Connection {
  /// How long a thread sleeps without checking its lines on its own: the kernel can lose the
  /// wake-up of a removal (fact 23). Milliseconds.
  static var recheck: Int32 { DispatcherAttributes.usualRecheck }
  var recheck: Int32 { served.attributes.recheck }

  var isRecovering: Bool { stormPause != nil || rearmPause != nil }
  var isStorming: Bool { stormPause != nil && !isResting }

  /// Milliseconds of silence after which `quietElapsed()` is due.
  var quietTimeout: Int32 {
    // No arrays: a thread that falls asleep allocates nothing.
    let pause = min(rearmPause ?? .max, stormPause ?? .max)
    return pause == .max ? recheck : max(pause, 100)
  }

  /// Not inlined into a loop, where it would take registers from the dispatch.
  @inline(never)
  func handle(_ outcome: Int32) {
    if core.value.membersReport { reportForMembers() }
    guard outcome & ~Outcome.ordinary != 0 || isRecovering else {
      judge()
      return lookAgainLater()
    }
    // Not counted as holding the lock. First, since a report's handler may end this
    // connection and begin another.
    core.value.lastEnd = 0
    if outcome & Outcome.lockFailed != 0 {
      ended.store(true, ordering: .releasing)
      report(.failed(served.refused(-EOWNERDEAD, "dispatch an interrupt")))
      unsafe cuio_flag_raise(stop.pointer)
      return
    }
    if outcome & Outcome.repeatLimit != 0 {
      report(.repeatLimitReached(passes: core.value.repeatLimit))
    }
    if isStorming, !isCostly, outcome & Outcome.claimed != 0 { stormEnded() }
    if outcome & Outcome.rearmFailed != 0 {
      rearmFailed()
    } else if outcome & Outcome.rearmed != 0 {
      rearmRecovered()
    }
    if outcome & Outcome.stormBegan != 0 { brake() } else { judge() }
    lookAgainLater()
  }

  /// What the members of a shared line have noted, each to its own handler.
  private func reportForMembers() {
    core.value.membersReport = false
    core.value.lastEnd = 0
    served.reportForMembers(reporting)
  }

  /// Not of a connection that a report's handler has begun.
  private func lookAgainLater() { if !mustStop { core.value.turnsLeft = nextTurns } }

  /// Dispatches until `handle` is called again.
  private var nextTurns: UInt32 {
    if isRecovering || watch != nil { return 1 }
    return isJudged ? cost.turns : .max
  }

  /// Nothing came for the whole of `quietTimeout`: a failed re-arm is tried again, a storm is over.
  /// The silence of a line that is masked proves nothing.
  func quietElapsed() {
    if let pause = rearmPause {
      retryRearm(pause)
    } else if isStorming, served.holdingLock({ core.value.masked.isEmpty }) {
      stormEnded()
    }
  }

  func stormEnded() {
    stormPause = nil
    isCostly = false
    forgetCost()
    report(.stormEnded)
  }

  func rearmFailed() {
    guard rearmPause == nil else { return }
    // Another thread may have re-armed it since (`releaseLine`).
    let number = served.holdingLock { -core.value.rearmError }
    guard number != 0 else { return }
    rearmPause = 10
    // A device that is going away cannot be re-armed either; then the next read says so.
    guard unsafe !LivenessGate.isDead(line.pointee.fd) else { return }
    report(.rearmFailed(source.failure(.rearm, errno: number)))
  }

  func rearmRecovered() {
    guard rearmPause != nil else { return }
    rearmPause = nil
    report(.rearmRecovered)
  }

  /// Not while something else masks the line: then its end is a try.
  private func retryRearm(_ pause: Int32) {
    let outcome = served.holdingLock { () -> Int32 in
      guard core.value.masked.isEmpty else { return 0 }
      return core.value.rearmError == 0 ? Outcome.rearmed : unsafe rearmAgain(core, line)
    }
    if outcome & Outcome.rearmFailed != 0 { rearmPause = min(pause * 2, Self.recheck) }
    if outcome & Outcome.rearmed != 0 { rearmRecovered() }
  }

  /// The line has gone or failed: reported once, and it is served no more (facts 21, 22).
  func end(_ number: Int32) {
    ended.store(true, ordering: .releasing)
    let error = source.failure(.read, errno: number)
    report(error.code == .removed ? .removed(error) : .failed(error))
  }
}
