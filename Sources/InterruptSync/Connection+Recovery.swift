// What a dispatch leaves to be put right outside of the lock: storms, and re-arms that failed. On
// the serving thread. Nothing here waits: who serves asks again when the time has come.
import CUIO
import Synchronization
import UIO

extension Connection {
  /// How long a thread sleeps without looking after its lines by itself: the kernel can lose the
  /// wake-up of a removal (fact 23). Milliseconds.
  static let recheck: Int32 = 1000

  var isTroubled: Bool { if case .none = trouble { false } else { true } }
  var isStorming: Bool { if case .storm = trouble { true } else { false } }

  /// Milliseconds of silence after which `quietForAWhile()` is due.
  var patience: Int32 {
    switch trouble {
    case .none: Self.recheck
    case .storm(let pause), .rearm(let pause): max(pause, 100)
    }
  }

  func settle(_ outcome: Int32) {
    // What follows is not counted as holding the lock. Now, since a report's handler may end this
    // connection and begin another.
    unsafe core.pointee.lastEnd = 0
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

  private func retryRearm(_ pause: Int32) {
    let outcome = storage.holdingLock {
      unsafe core.pointee.mayRearm && !core.pointee.isBraked && !core.pointee.isHeld
        ? unsafe rearmLine(core, line) : 0
    }
    guard outcome == 0 else {
      trouble = .rearm(pause: min(pause * 2, Self.recheck))
      return
    }
    rearmRecovered()
  }

  /// Leaves the line masked for the policy's pause, or until told (N20). While `isBraked` the count
  /// is not to be looked at, and `letGo()` is to be called when `mayLetGo`.
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
    due = pause < 0 ? .max : cuio_nanoseconds() + UInt64(pause) * 1_000_000
  }

  /// Whether the pause of a braked line is over, at `now` nanoseconds. Takes a word to resume away.
  func mayLetGo(_ now: UInt64) -> Bool {
    resume.exchange(false, ordering: .acquiringAndReleasing) || now >= due
  }

  /// Re-arms once after the pause and watches. A line that has died is only looked at again.
  func letGo(isDead: Bool) {
    braked.store(false, ordering: .relaxed)
    guard !mustStop, !isDead else { return }
    unsafe cuio_probe_storm_resumed(line)
    let outcome = storage.holdingLock {
      unsafe core.pointee.isBraked = false
      // One more unclaimed interrupt brakes again; the window starts now, however long the pause
      // was.
      unsafe core.pointee.unclaimedInARow = storage.options.storm.limit - 1
      unsafe core.pointee.lastUnclaimed = cuio_ticks()
      return unsafe core.pointee.mayRearm && !core.pointee.isHeld
        ? unsafe rearmLine(core, line) : 0
    }
    if outcome != 0 { rearmFailed() }
  }

  /// Nothing came for the whole of `patience`: a storm is over, a failed re-arm is tried again.
  func quietForAWhile() {
    switch trouble {
    case .none: break
    case .storm:
      trouble = .none
      report(.stormEnded)
    case .rearm(let pause): retryRearm(pause)
    }
  }

  /// The line has gone or failed: said once, and it is served no more (facts 21, 22).
  func end(_ number: Int32) {
    ended.store(true, ordering: .releasing)
    let error = source.failure(.read, errno: number)
    report(error.code == .removed ? .removed(error) : .failed(error))
  }
}
