// Room Serving: the loop of a group's thread. GroupThread starts it. It reads and dispatches the
// lines that the poller reports, in turns, and hands what remains to GroupThread+Recovery. All of
// it runs on that thread: at PASSIVE_LEVEL without a lock, and inside a dispatch at DIRQL with the
// interrupt lock of that line. Nothing here allocates for an interrupt.
import CUIO
import Glibc
import Synchronization
import UIO

extension GroupThread {
  func serve() {
    cuio_thread_begin_serving()
    prepareThread()
    run()
  }

  /// Rounds over the lines to be read again, before the poller is asked which others are ready.
  private static let rounds = 8

  private func run() {
    while true {
      if hasNews.exchange(false, ordering: .acquiringAndReleasing) {
        for member in takeLeaving() { remove(member) }
        for member in allMembers() { member.connection.reportPosted() }
        reapRemoved()
        if hasKick.exchange(false, ordering: .acquiringAndReleasing) { sweepDue = 0 }
        if mustStop { return }
      }
      if !recovering.isEmpty { checkRecovering() }
      Counter.add(&counters.value.rounds, 1)
      serveReady(wait())
      for _ in 0..<Self.rounds {
        if first == nil || hasNews.load(ordering: .relaxed) { break }
        serveQueued()
      }
      if !removed.isEmpty { reapRemoved() }
    }
  }

  /// Sleeps only when nothing is ready, neither at once nor within a bounded spin. How many are.
  private func wait() -> Int {
    var count = unsafe linux_poller_wait(poller.raw, ready, 0)
    if count != 0 || first != nil { return Int(count) }
    lastEnd.value = 0
    latest = nil
    if pacer.budget != 0 && recovering.isEmpty {
      let start = linux_ticks()
      unsafe count = linux_poller_spin(poller.raw, ready, pacer.budget, pacer.yieldAfter)
      activity.spun &+= linux_ticks() &- start
      if count != 0 {
        pacer.found()
        Counter.add(&counters.value.spinsFound, 1)
        return Int(count)
      }
      pacer.foundNothing()
      Counter.add(&counters.value.spinsInVain, 1)
    }
    let now = linux_nanoseconds()
    if now >= sweepDue { sweep(now) }
    guard first == nil else { return 0 }
    Counter.add(&counters.value.sleeps, 1)
    let start = linux_ticks()
    unsafe count = linux_poller_wait(poller.raw, ready, timeout(now))
    let slept = linux_ticks() &- start
    activity.rested &+= slept
    if count != 0 { pacer.slept(slept) }
    return Int(count)
  }

  /// Milliseconds until something is due that no descriptor reports.
  private func timeout(_ now: UInt64) -> Int32 {
    var due = sweepDue
    for member in recovering {
      due = min(due, member.connection.isBraked ? member.connection.resumeDue : member.quietDue)
    }
    return due <= now ? 0 : Int32((due - now) / 1_000_000) + 1
  }

  /// Has every line read, for wake-ups that the kernel lost (fact 23).
  private func sweep(_ now: UInt64) {
    sweepDue = now + UInt64(Connection.recheck) * 1_000_000
    for member in allMembers() { if let slot = member.slot { enqueue(slot) } }
  }

  private func serveReady(_ count: Int) {
    for index in 0..<count {
      let event = unsafe ready[index]
      guard let context = unsafe event.context else {
        _ = linux_event_drain(wake.raw)
        continue
      }
      let slot = unsafe Cell(context.assumingMemoryBound(to: GroupSlot.self))
      if unsafe event.is_dead { slot.value.isDead = true }
      serve(slot)
    }
  }

  /// One dispatch for each line that was queued when this began.
  private func serveQueued() {
    guard let last = newest else { return }
    while let slot = first {
      first = slot.value.next
      if first == nil { newest = nil }
      slot.value.next = nil
      slot.value.isQueued = false
      let isLast = slot == last
      serve(slot)
      if isLast { return }
    }
  }

  func enqueue(_ slot: Cell<GroupSlot>) {
    guard !slot.value.isQueued && slot.value.isListening else { return }
    slot.value.isQueued = true
    if let newest { newest.value.next = slot } else { first = slot }
    newest = slot
  }

  @inline(__always)
  private func serve(_ slot: Cell<GroupSlot>) {
    guard unsafe slot.value.isListening && !cuio_flag_is_up(slot.value.stop.pointer) else { return }
    if slot.value.isRecovering && isThrottled(slot) { return }
    let outcome = serveSlot(slot, lastEnd)
    if outcome >= 0 {
      if outcome & ~Outcome.ordinary == 0 {
        let core = slot.value.core
        core.value.turnsLeft = core.value.turnsLeft &- 1
        if core.value.turnsLeft == 0 { handle(slot, outcome) }
      } else {
        handle(slot, outcome)
      }
      // After a count from a stream there may be another, and after the last one an end. A line that
      // is served twice in a row never rests: reading it again costs less than asking the poller.
      if !slot.value.takesAll || slot.value.isDead || latest == slot { enqueue(slot) }
      latest = slot
    } else if outcome == -EINTR {
      enqueue(slot)
    } else if outcome == -EAGAIN && !slot.value.isDead {
      if latest == slot { latest = nil }
    } else {
      end(slot, outcome == -EAGAIN ? EIO : -outcome)
    }
  }
}
