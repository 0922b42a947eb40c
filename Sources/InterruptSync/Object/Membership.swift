// Room Object: one object on a line that several share (N21): the service routine of the hub that
// runs the member's list, and the way that the member's own reports take. SharedLine makes and ends
// it, on the caller's thread. The hub's dispatch calls `serve` on the serving thread at DIRQL: it
// holds the hub's lock, takes the member's, and only notes reports. Connection delivers them
// afterwards on that thread, at PASSIVE_LEVEL without a lock. The monitor counts reports under way.
import CUIO
import Glibc
import LinuxSystem
import Synchronization

@safe final class Membership: ReportingMember, @unchecked Sendable {
  /// The member as the hub's dispatch works on it: plain memory, which belongs to the holder of the
  /// hub's lock.
  @safe private struct Slot {
    let core: Cell<SyncCore>
    let hub: Cell<SyncCore>
    /// A thread ended inside one of the member's routines, which was noted.
    var isOut = false
    var membership: Unmanaged<Membership>?
  }

  private let member: ServedLine
  private let slot: Cell<Slot>
  /// What dispatches have left to be reported: a set of bits of `Outcome`.
  private let noted = Atomic<Int32>(0)
  private let monitor = Monitor()
  // Guarded by `monitor`.
  private var isOver = false
  /// Calls of the member's report handler that have not returned.
  private var reports = 0

  init(of member: ServedLine, in hub: Cell<SyncCore>) {
    self.member = member
    slot = unsafe .allocate(Slot(core: member.core, hub: hub))
    unsafe slot.value.membership = Unmanaged.passUnretained(self)
  }

  deinit { slot.free() }

  /// What `serve` gets.
  var context: UnsafeMutableRawPointer { unsafe UnsafeMutableRawPointer(slot.pointer) }

  /// The hub's service routine.
  static let serve: InterruptSyncRoutine = { _, context in
    guard let context = unsafe context else { return NTStatus.unsuccessful.rawValue }
    let slot = unsafe Cell(context.assumingMemoryBound(to: Slot.self))
    let outcome = dispatchMember(slot.value.core, of: slot.value.hub)
    if outcome == Outcome.claimed && !slot.value.isOut { return NTStatus.success.rawValue }
    unsafe slot.value.membership?._withUnsafeGuaranteedRef { $0.note(outcome) }
    if outcome & Outcome.claimed != 0 { return NTStatus.success.rawValue }
    maskIfInactive(slot.value.hub)
    return NTStatus.unsuccessful.rawValue
  }

  private func note(_ outcome: Int32) {
    // A lock that another thread waits for crosswise is refused once; one whose owner died stays so.
    let isOut = outcome & Outcome.lockFailed != 0 && !member.lock.isConsistent
    var report = outcome & Outcome.repeatLimit
    if isOut && !slot.value.isOut { report |= Outcome.lockFailed }
    slot.value.isOut = isOut
    guard report != 0 else { return }
    noted.bitwiseOr(report, ordering: .relaxed)
    slot.value.hub.value.membersReport = true
    // The serving thread looks around after this dispatch.
    slot.value.hub.value.turnsLeft = 1
  }

  func report(through reporting: (() -> Void) -> Void) {
    let noted = noted.exchange(0, ordering: .relaxed)
    if noted & Outcome.lockFailed != 0 {
      report(.failed(member.refused(-EOWNERDEAD, "dispatch an interrupt")), reporting)
    }
    if noted & Outcome.repeatLimit != 0 {
      report(.repeatLimitReached(passes: member.core.value.repeatLimit), reporting)
    }
  }

  private func report(_ report: InterruptReport, _ reporting: (() -> Void) -> Void) {
    reporting {
      let stands = monitor.locked {
        if !isOver { reports += 1 }
        return !isOver
      }
      guard stands else { return }
      member.report(report)
      monitor.locked {
        reports -= 1
        monitor.broadcast()
      }
    }
  }

  /// No report of the member's begins from now on. Any thread.
  func end() { monitor.locked { isOver = true } }

  /// Waits for those that have begun. From an ordinary thread, after `end()`.
  func awaitReports() { monitor.locked { monitor.wait { reports > 0 } } }
}
