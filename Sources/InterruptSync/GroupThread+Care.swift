// What a group's thread does for one line besides dispatching: trouble, the end, and leaving. On
// that thread.
import CUIO
import Glibc
import UIO

extension GroupThread {
  /// After a dispatch that left something to be done. A report handler may have disconnected this
  /// line or any other.
  func settle(_ slot: UnsafeMutablePointer<GroupSlot>, _ outcome: Int32) {
    let member = unsafe slot.pointee.member.takeUnretainedValue()
    member.settle(outcome)
    unsafe lastEnd.pointee = 0
    if member.mustStop { unsafe deafen(slot) }
    guard unsafe slot.pointee.isListening else { return }
    if member.isBraked { unsafe listen(slot, forCounts: false) }
    unsafe watch(slot, member)
  }

  /// Whether the line is braked, so that its count is not to be looked at. One that died is let go.
  func isSittingOut(_ slot: UnsafeMutablePointer<GroupSlot>) -> Bool {
    let member = unsafe slot.pointee.member.takeUnretainedValue()
    guard member.isBraked else { return false }
    guard unsafe slot.pointee.isDead else { return true }
    member.letGo(isDead: true)
    return false
  }

  /// Lets go of brakes, ends storms and tries re-arms again, as far as the time has come.
  func lookAfterTroubled() {
    let now = cuio_nanoseconds()
    for member in troubled {
      guard let slot = unsafe member.slot, unsafe slot.pointee.isListening else { continue }
      if member.isBraked {
        guard member.mayLetGo(now) else { continue }
        member.letGo(isDead: false)
        unsafe listen(slot, forCounts: true)
        unsafe watch(slot, member)
      } else if now >= member.quietDue {
        member.quietForAWhile()
        unsafe watch(slot, member)
      }
    }
    troubled.removeAll { member in
      guard let slot = unsafe member.slot else { return true }
      if unsafe slot.pointee.isListening && member.isTroubled { return false }
      unsafe slot.pointee.isTroubled = false
      return true
    }
  }

  /// Counts the silence from now on, should the line be in trouble.
  private func watch(_ slot: UnsafeMutablePointer<GroupSlot>, _ member: GroupMember) {
    guard member.isTroubled else { return }
    member.quietDue = cuio_nanoseconds() + UInt64(member.patience) * 1_000_000
    guard unsafe !slot.pointee.isTroubled else { return }
    unsafe slot.pointee.isTroubled = true
    troubled.append(member)
  }

  private func listen(_ slot: UnsafeMutablePointer<GroupSlot>, forCounts: Bool) {
    guard unsafe slot.pointee.isListening else { return }
    unsafe cuio_poller_listen(poller.raw, slot.pointee.line.pointee.fd, slot, forCounts)
  }

  /// The line has gone or failed. The others go on.
  func end(_ slot: UnsafeMutablePointer<GroupSlot>, _ number: Int32) {
    let member = unsafe slot.pointee.member.takeUnretainedValue()
    unsafe deafen(slot)
    member.end(number)
    unsafe lastEnd.pointee = 0
  }

  /// Out of the poller: a dead descriptor is ready for ever (fact 22).
  private func deafen(_ slot: UnsafeMutablePointer<GroupSlot>) {
    guard unsafe slot.pointee.isListening else { return }
    unsafe slot.pointee.isListening = false
    unsafe cuio_poller_remove(poller.raw, slot.pointee.line.pointee.fd)
  }

  /// Takes a line out. What is left of it goes when nothing points to it any more.
  func drop(_ member: GroupMember) {
    guard let slot = unsafe member.slot, !member.isLeaving else { return }
    member.isLeaving = true
    unsafe deafen(slot)
    departed.append(member)
  }

  /// Between two rounds: what the poller told of has been looked at.
  func letDepartedGo() {
    let all = departed
    departed.removeAll()
    for member in all {
      guard let slot = unsafe member.slot, unsafe !slot.pointee.isQueued else {
        departed.append(member)
        continue
      }
      troubled.removeAll { $0 === member }
      unsafe member.slot = nil
      unsafe slot.pointee.member.release()
      unsafe slot.deinitialize(count: 1)
      unsafe slot.deallocate()
      if !member.hasGivenLineBack { member.releaseLine() }
      hasLeft(member)
    }
  }
}
