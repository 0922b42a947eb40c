// Room Serving: what a group's thread does for one line besides dispatching: recovery, the end, and
// leaving. GroupThread+Loop calls it on that thread at PASSIVE_LEVEL, without an interrupt lock;
// GroupThread also calls `remove` with the group's monitor held: on a thread that disconnects while
// the group's is in a report handler, or on the group's own, there also inside a routine, with its
// interrupt lock. After a report the line, or any other, may be disconnected.
import CUIO
import Glibc
import UIO

extension GroupThread {
  /// After a dispatch that left something to be done. A report handler may have disconnected this
  /// line or any other.
  func handle(_ slot: Cell<GroupSlot>, _ outcome: Int32) {
    let member = unsafe slot.value.member.takeUnretainedValue()
    member.connection.handle(outcome)
    lastEnd.value = 0
    if member.connection.mustStop { unregister(slot) }
    guard slot.value.isListening else { return }
    if member.connection.isBraked { setInterest(slot, inCounts: false) }
    watch(slot, member)
  }

  /// Releases brakes, ends storms and tries re-arms again, as far as the time has come.
  func checkRecovering() {
    let now = linux_nanoseconds()
    for member in recovering {
      guard let slot = member.slot, slot.value.isListening else { continue }
      if member.connection.isBraked {
        guard member.connection.mayResume(now) else { continue }
        member.connection.resume(isDead: false)
        setInterest(slot, inCounts: true)
        if unsafe InterruptLine(slot.value.line).isKicked { enqueue(slot) }
        watch(slot, member)
      } else if now >= member.quietDue {
        member.connection.quietElapsed()
        watch(slot, member)
      }
    }
    recovering.removeAll { member in
      guard let slot = member.slot else { return true }
      if slot.value.isListening && member.connection.isRecovering { return false }
      slot.value.isRecovering = false
      return true
    }
  }

  /// Counts the silence from now on, if the line is recovering.
  private func watch(_ slot: Cell<GroupSlot>, _ member: GroupMember) {
    guard member.connection.isRecovering else { return }
    member.quietDue = linux_nanoseconds() + UInt64(member.connection.quietTimeout) * 1_000_000
    guard !slot.value.isRecovering else { return }
    slot.value.isRecovering = true
    recovering.append(member)
  }

  private func setInterest(_ slot: Cell<GroupSlot>, inCounts: Bool) {
    guard slot.value.isListening else { return }
    unsafe linux_poller_listen(poller.raw, slot.value.line.pointee.fd, slot.pointer, inCounts)
  }

  /// The line has gone or failed. The others go on.
  func end(_ slot: Cell<GroupSlot>, _ number: Int32) {
    let member = unsafe slot.value.member.takeUnretainedValue()
    unregister(slot)
    member.connection.end(number)
    lastEnd.value = 0
  }

  /// Out of the poller: a dead descriptor is ready forever (fact 22).
  private func unregister(_ slot: Cell<GroupSlot>) {
    guard slot.value.isListening else { return }
    slot.value.isListening = false
    unsafe linux_poller_remove(poller.raw, slot.value.line.pointee.fd)
  }

  /// Takes a line out. The rest of it goes when nothing points to it any more. On the thread, with
  /// the monitor inside a handler; or on another with the monitor while the thread is in a handler.
  func remove(_ member: GroupMember) {
    guard let slot = member.slot, !member.isLeaving else { return }
    member.isLeaving = true
    unregister(slot)
    removed.append(member)
  }

  /// Between two rounds, when every event of the poller has been handled.
  func reapRemoved() {
    let all = removed
    removed.removeAll()
    for member in all {
      guard let slot = member.slot, !slot.value.isQueued else {
        removed.append(member)
        continue
      }
      recovering.removeAll { $0 === member }
      member.slot = nil
      if latest == slot { latest = nil }
      unsafe slot.value.member.release()
      slot.free()
      hasLeft(member)
    }
  }
}
