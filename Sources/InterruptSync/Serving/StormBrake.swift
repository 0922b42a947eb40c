// Room Serving: the storm brake, from the pause to the release. A dispatch finds the storm and
// masks the line (Dispatch.swift). Connection+Recovery, Connection+Cost, DispatcherThread and
// GroupThread call the rest on the serving thread at PASSIVE_LEVEL, without the interrupt lock,
// which only the re-arm takes. Only a thread that has no other line waits here. A report comes
// last: its handler may end the connection.
import CUIO
import LinuxSystem
import Synchronization

extension Connection {
  /// Leaves the line masked for the policy's pause, or until `resumeAfterStorm` (N20). While
  /// `isBraked` the count must not be read; once `mayResume`, call `resume()`.
  func brake() {
    if !core.value.wasInactive, isAffordable { return endAffordable() }
    source.brake()
    watch = nil
    if core.value.wasInactive { return restInactive() }
    var pause: Int32 = -1
    var next: Int32 = -1
    if case .backOff(let first, let longest) = served.storm.action {
      pause = stormPause ?? first.inMilliseconds
      let longest = longest.inMilliseconds
      next = pause > longest / 2 ? longest : min(max(pause, 1) * 2, longest)
    }
    // A request from before this storm was not meant for it.
    mustResume.store(false, ordering: .relaxed)
    // What no routine claims is the other kind, also below its limit.
    let isNew = !isStorming
    let isClaimed = isCostly && core.value.unclaimedInARow == 0
    if isNew { Counter.add(&core.value.counters.storms, 1) }
    if isNew && isClaimed { Counter.add(&core.value.counters.claimedStorms, 1) }
    braked.store(true, ordering: .relaxed)
    stormPause = max(next, 0)
    resumeDue = pause < 0 ? .max : linux_nanoseconds() + UInt64(pause) * 1_000_000
    // Last, since the handler may end this connection and begin another.
    guard isNew else { return }
    report(
      isClaimed
        ? .claimedStormBegan(perSecond: cost.rate, share: cost.share)
        : .stormBegan(unclaimed: UInt64(core.value.unclaimedInARow)))
  }

  /// A device that nothing silences interrupts at once after each pause. One that does not is not
  /// worth another: after some in a row the storm is over.
  private var isAffordable: Bool {
    guard isStorming, !isCostly else {
      lateInARow = 0
      return false
    }
    lateInARow = linux_nanoseconds() - probation.now >= 2_000_000 ? lateInARow + 1 : 0
    return lateInARow >= 8
  }

  private func endAffordable() {
    lateInARow = 0
    rearm(unclaimedInARow: 0)
    stormEnded()
  }

  /// The same without a storm: all who could service the line are inactive. Masked until one of them
  /// is active again, which may have been since the dispatch. An older request to resume is kept:
  /// it costs one more interrupt, and a new one cannot be told from it.
  private func restInactive() {
    core.value.wasInactive = false
    braked.store(true, ordering: .relaxed)
    isResting = stormPause == nil
    stormPause = stormPause ?? 0
    resumeDue = unsafe cuio_flag_is_up(&core.value.inactive) ? .max : 0
  }

  /// Whether the pause of a braked line is over, at `now` nanoseconds. Consumes a request to
  /// resume.
  func mayResume(_ now: UInt64) -> Bool {
    mustResume.exchange(false, ordering: .acquiringAndReleasing) || now >= resumeDue
  }

  /// Re-arms once after the pause, and watches. A line that has died is only read again, and one that
  /// its source does not release stays braked for another while.
  func resume(isDead: Bool) {
    if !mustStop, !isDead, source.release() != 0 {
      resumeDue = linux_nanoseconds() + UInt64(recheck) * 1_000_000
      return
    }
    braked.store(false, ordering: .relaxed)
    let wasResting = isResting
    isResting = false
    if wasResting { stormPause = nil }
    guard !mustStop, !isDead else { return }
    unsafe cuio_probe_storm_resumed(line)
    watchAfterPause()
    // One more unclaimed interrupt brakes again.
    rearm(unclaimedInARow: wasResting || isCostly ? 0 : served.storm.limit - 1)
  }

  /// The window of unclaimed ones starts now, however long the pause was.
  private func rearm(unclaimedInARow count: UInt32) {
    let outcome = served.holdingLock {
      core.value.masked = core.value.masked.subtracting(.storm)
      // A kick is no interrupt.
      core.value.unclaimedInARow = unsafe InterruptLine(line).isKicked ? count &- 1 : count
      core.value.lastUnclaimed = linux_ticks()
      core.value.firstUnclaimed = core.value.lastUnclaimed
      return unsafe rearmAgain(core, line)
    }
    if outcome & Outcome.rearmFailed != 0 { rearmFailed() }
    if outcome & Outcome.rearmed != 0 { rearmRecovered() }
  }
}

extension DispatcherThread {
  /// Waits without reading the count until the brake has released, or the line dies. Inlined into the
  /// loop it would take registers from the dispatch.
  @inline(never)
  func waitForResume() {
    while connection.isBraked { waitOnce() }
  }

  private func waitOnce() {
    var isDead = false
    while !connection.mustStop, !isDead {
      connection.beats.add(1, ordering: .relaxed)
      let now = linux_nanoseconds()
      if connection.mayResume(now) { break }
      let recheck = UInt64(Connection.recheck)
      let due = connection.resumeDue
      let left = due == .max ? recheck : (due - now) / 1_000_000 + 1
      let result = unsafe cuio_wait(line.pointee.fd, wake.raw, Int32(min(left, recheck)), true)
      if result > 0, result & Int32(CUIO_WAIT_WOKEN) != 0 { wokenUp() }
      isDead = result > 0 && result & Int32(CUIO_WAIT_DEAD) != 0
    }
    connection.resume(isDead: isDead)
  }
}

extension GroupThread {
  /// Whether the line is braked, so that its count must not be read. A line that died is released.
  func isThrottled(_ slot: Cell<GroupSlot>) -> Bool {
    let connection = unsafe slot.value.member.takeUnretainedValue().connection
    guard connection.isBraked else { return false }
    guard slot.value.isDead else { return true }
    connection.resume(isDead: true)
    return false
  }
}
