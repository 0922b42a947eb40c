// What a dispatch leaves to be put right outside of the lock: storms, and re-arms that failed. On the
// dispatcher's thread.
import CUIO
import Synchronization
import UIO

extension Dispatcher {
  func settle(_ outcome: Int32) {
    // Not counted as holding the lock.
    defer { unsafe core.pointee.lastEnd = 0 }
    if outcome & Outcome.lockFailed != 0 {
      ended.store(true, ordering: .releasing)
      report(.failed(storage.refused(-ESRCH, "dispatch an interrupt")))
      unsafe cuio_flag_raise(stop)
      return
    }
    if outcome & Outcome.repeatLimit != 0 {
      report(.repeatLimitReached(passes: unsafe core.pointee.repeatLimit))
    }
    if isStorming, outcome & Outcome.claimed != 0 {
      trouble = .none
      report(.stormEnded)
    }
    if outcome & Outcome.rearmFailed != 0 {
      rearmFailed()
    } else if case .rearm = trouble, outcome & Outcome.stormBegan == 0 {
      rearmRecovered()
    }
    if outcome & Outcome.stormBegan != 0 { brake() }
  }

  private func rearmFailed() {
    if case .rearm = trouble { return }
    trouble = .rearm(pause: 10)
    // A device that is going away cannot be re-armed either; then the next read says so.
    guard unsafe !LivenessGate.isDead(line.pointee.fd) else { return }
    let number = storage.holdingLock { unsafe -core.pointee.rearmError }
    report(.rearmFailed(source.failure(.rearm, errno: number)))
  }

  private func rearmRecovered() {
    trouble = .none
    report(.rearmRecovered)
  }

  func retryRearm(_ pause: Int32) {
    let outcome = storage.holdingLock {
      unsafe core.pointee.mayRearm && !core.pointee.isBraked ? unsafe rearmLine(core, line) : 0
    }
    guard outcome == 0 else {
      trouble = .rearm(pause: min(pause * 2, Self.recheck))
      return
    }
    rearmRecovered()
  }

  /// Leaves the line masked for the policy's pause, or until told; then re-arms once and watches
  /// (N20).
  private func brake() {
    var pause: Int32 = -1
    var next: Int32 = -1
    if case .backOff(let first, let longest) = storage.options.storm.action {
      if case .storm(let due) = trouble { pause = due } else { pause = first }
      next = pause > longest / 2 ? longest : min(max(pause, 1) * 2, longest)
    }
    // Said before this storm, it was not meant for it.
    resume.store(false, ordering: .relaxed)
    braked.store(true, ordering: .relaxed)
    if !isStorming {
      unsafe cuio_counter_add(&core.pointee.counters.storms, 1)
      report(.stormBegan(unclaimed: UInt64(storage.options.storm.limit)))
    }
    trouble = .storm(next: max(next, 0))
    let isDead = pauseMasked(pause)
    braked.store(false, ordering: .relaxed)
    guard !mustStop, !isDead else { return }
    let outcome = storage.holdingLock {
      unsafe core.pointee.isBraked = false
      // One more unclaimed interrupt brakes again; the window starts now, however long the pause
      // was.
      unsafe core.pointee.unclaimedInARow = storage.options.storm.limit - 1
      unsafe core.pointee.lastUnclaimed = cuio_ticks()
      return unsafe core.pointee.mayRearm ? unsafe rearmLine(core, line) : 0
    }
    if outcome != 0 { rearmFailed() }
  }

  /// Waits `milliseconds` (-1: until resumed) without looking at the count. True when the line
  /// died.
  private func pauseMasked(_ milliseconds: Int32) -> Bool {
    let deadline = cuio_nanoseconds() + UInt64(max(milliseconds, 0)) * 1_000_000
    while !mustStop, !resume.exchange(false, ordering: .acquiringAndReleasing) {
      let now = cuio_nanoseconds()
      if milliseconds >= 0, now >= deadline { return false }
      let left = milliseconds < 0 ? Self.recheck : Int32((deadline - now) / 1_000_000) + 1
      let result = unsafe cuio_wait(line.pointee.fd, wake.raw, min(left, Self.recheck), true)
      if result > 0, result & Int32(CUIO_WAIT_WOKEN) != 0 { _ = cuio_event_drain(wake.raw) }
      if result > 0, result & Int32(CUIO_WAIT_DEAD) != 0 { return true }
    }
    return false
  }
}
