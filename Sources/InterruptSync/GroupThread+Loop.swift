// The loop of a group's thread: what the poller tells of is read and dispatched, in turns. All of it
// runs on that thread.
import CUIO
import Glibc
import Synchronization
import UIO

extension GroupThread {
  static let entry: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? =
    { context in
      guard let context = unsafe context else { return nil }
      let worker = unsafe Unmanaged<GroupThread>.fromOpaque(context).takeRetainedValue()
      worker.settleIn()
      worker.run()
      return nil
    }

  /// Rounds over the lines that want to be read again before the poller is asked who else is ready.
  private static let rounds = 8

  private func run() {
    while true {
      if hasNews.exchange(false, ordering: .acquiringAndReleasing) {
        for member in takeLeaving() { drop(member) }
        letDepartedGo()
        if mustStop { return }
      }
      if !troubled.isEmpty { lookAfterTroubled() }
      unsafe cuio_counter_add(&counters.pointee.rounds, 1)
      serveReady(wait())
      for _ in 0..<Self.rounds {
        if unsafe first == nil || hasNews.load(ordering: .relaxed) { break }
        serveQueued()
      }
      if !departed.isEmpty { letDepartedGo() }
    }
  }

  /// Sleeps only when nothing is ready, neither at once nor within a bounded spin. How many are.
  private func wait() -> Int {
    var count = unsafe cuio_poller_wait(poller.raw, ready, 0)
    if unsafe count != 0 || first != nil { return Int(count) }
    unsafe lastEnd.pointee = 0
    if pacer.budget != 0 && troubled.isEmpty {
      unsafe count = cuio_poller_spin(poller.raw, ready, pacer.budget, pacer.yieldAfter)
      if count != 0 {
        pacer.found()
        unsafe cuio_counter_add(&counters.pointee.spinsFound, 1)
        return Int(count)
      }
      pacer.foundNothing()
      unsafe cuio_counter_add(&counters.pointee.spinsInVain, 1)
    }
    let now = cuio_nanoseconds()
    if now >= sweepDue { sweep(now) }
    guard unsafe first == nil else { return 0 }
    unsafe cuio_counter_add(&counters.pointee.sleeps, 1)
    let start = cuio_ticks()
    unsafe count = cuio_poller_wait(poller.raw, ready, timeout(now))
    if count != 0 { pacer.slept(cuio_ticks() &- start) }
    return Int(count)
  }

  /// Milliseconds until something is due that no descriptor tells of.
  private func timeout(_ now: UInt64) -> Int32 {
    var due = sweepDue
    for member in troubled { due = min(due, member.isBraked ? member.due : member.quietDue) }
    return due <= now ? 0 : Int32((due - now) / 1_000_000) + 1
  }

  /// Has every line read, for what was not told of (fact 23).
  private func sweep(_ now: UInt64) {
    sweepDue = now + UInt64(Connection.recheck) * 1_000_000
    for member in allMembers() { if let slot = unsafe member.slot { unsafe enqueue(slot) } }
  }

  private func serveReady(_ count: Int) {
    for index in 0..<count {
      let event = unsafe ready[index]
      guard let context = unsafe event.context else {
        _ = cuio_event_drain(wake.raw)
        continue
      }
      let slot = unsafe context.assumingMemoryBound(to: GroupSlot.self)
      if unsafe event.is_dead { unsafe slot.pointee.isDead = true }
      unsafe serve(slot)
    }
  }

  /// One dispatch for each line that was queued when this began.
  private func serveQueued() {
    guard let last = unsafe newest else { return }
    while let slot = unsafe first {
      unsafe first = slot.pointee.next
      if unsafe first == nil { unsafe newest = nil }
      unsafe slot.pointee.next = nil
      unsafe slot.pointee.isQueued = false
      let isLast = unsafe slot == last
      unsafe serve(slot)
      if isLast { return }
    }
  }

  func enqueue(_ slot: UnsafeMutablePointer<GroupSlot>) {
    guard unsafe !slot.pointee.isQueued && slot.pointee.isListening else { return }
    unsafe slot.pointee.isQueued = true
    if let newest = unsafe newest { unsafe newest.pointee.next = slot } else { unsafe first = slot }
    unsafe newest = slot
  }

  @inline(__always)
  private func serve(_ slot: UnsafeMutablePointer<GroupSlot>) {
    guard unsafe slot.pointee.isListening && !cuio_flag_is_up(slot.pointee.stop) else { return }
    if unsafe slot.pointee.isTroubled && isSittingOut(slot) { return }
    let outcome = unsafe serveSlot(slot, lastEnd)
    if outcome >= 0 {
      if unsafe outcome & ~Outcome.claimed != 0 || slot.pointee.isTroubled {
        unsafe settle(slot, outcome)
      }
      // Behind a count from a stream there may be another, and behind the last one an end.
      if unsafe !slot.pointee.takesAll || slot.pointee.isDead { unsafe enqueue(slot) }
    } else if outcome == -EINTR {
      unsafe enqueue(slot)
    } else if unsafe outcome != -EAGAIN || slot.pointee.isDead {
      unsafe end(slot, outcome == -EAGAIN ? EIO : -outcome)
    }
  }
}
