// Room Object: one line, several sync objects: the counterpart of several interrupt objects on one
// vector (N21). Drivers and the Windows layer connect members, on their own thread at PASSIVE_LEVEL
// without an interrupt lock. A hub object owns the line; each member is one service routine of the
// hub, and runs its own list by its own mode under its own lock: on the serving thread, first the
// hub's lock, then a member's. The monitor guards the members.
import CUIO
import LinuxSystem

/// A line that several sync objects share. Every member is called on each interrupt, which is right
/// for level and edge lines alike; the interrupt is claimed if any member claims.
///
/// A member is connected here and not through its own `connect()`. Reports of the line go to the
/// line's handler. Those of a member's own list go to the member's: `repeatLimitReached`, and
/// `failed` once when a thread ended inside one of its routines, which leaves it out until
/// `InterruptLock.repair(_:)`. Both are delivered by the line's dispatcher as every report is.
@safe public final class SharedLine: @unchecked Sendable {
  /// The line as it was given; it is attached while there are members.
  public let source: any InterruptSource
  private let options: InterruptSyncOptions
  /// Guards what follows; never held while the hub's lock is waited for.
  private let monitor = Monitor()
  private var isChanging = false
  private var hub: InterruptSyncObject?
  private var members: [Member] = []

  private struct Member {
    let object: ObjectIdentifier
    let membership: Membership
    let registration: ServiceRoutineRegistration
    var isActive = true
  }

  /// A line without members yet; nothing is connected. Any thread, any level.
  ///
  /// - Parameters:
  ///   - source: the line. No object may be connected to it other than through this one.
  ///   - options: the line's storm brake, dispatcher thread and report handler. Of a member's own
  ///     options only what its list needs counts: `repeatLimit`, `acceptsAnySuccess`, `report`.
  public init(_ source: any InterruptSource, options: InterruptSyncOptions = .init()) {
    self.source = source
    self.options = options
  }

  /// Adds `member` after the other members; the first one connects the line. The member's
  /// routines may run before this returns (P22).
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `alreadyConnected` when it is a member (N9), `wrongLevel`, `wouldDeadlock`; what
  ///   connecting the line throws.
  public func connect(_ member: InterruptSyncObject) throws(InterruptSyncError) {
    try requirePassive(member, "connect")
    let hub = try changing { () throws(InterruptSyncError) in
      guard !members.contains(where: { $0.object == ObjectIdentifier(member) }) else {
        throw InterruptSyncError(
          .alreadyConnected, object: member.name, operation: "connect",
          cause: "the object is connected already",
          hint: "disconnect it first; the current connection is unchanged")
      }
      return self.hub ?? InterruptSyncObject(source: source, mode: .all, options: options)
    }
    let begun: Connection?
    do throws(InterruptSyncError) {
      let membership = Membership(of: member.storage, in: hub.storage.core)
      let registration = try hub.registerMember(membership)
      do throws(InterruptSyncError) {
        begun =
          hub.state == .disconnected || hub.state == .ended
          ? try hub.storage.connect(to: nil, waiting: false) : nil
      } catch {
        registration.cancel()
        throw error
      }
      changed {
        members.append(
          Member(
            object: ObjectIdentifier(member), membership: membership, registration: registration))
        self.hub = hub
      }
      tellActivity()
    } catch {
      changed {}
      throw error
    }
    // Last: the handler may change the members.
    if let begun { hub.storage.reportRefusals(begun) }
  }

  /// Takes `member` out; when this returns none of its routines runs for an interrupt, and none
  /// will start, nor a report of its own (N11). With the last member the line is masked and drained.
  /// Does nothing for an object that is not a member (P26). The report handlers of the line and of
  /// its members may call it, also while another thread does. An ordinary thread waits until the
  /// member's handler has returned; with the last member, the line's as well.
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wouldDeadlock` from inside one of the member's routines, `wrongLevel`.
  public func disconnect(_ member: InterruptSyncObject) throws(InterruptSyncError) {
    try requirePassive(member, "disconnect")
    let (membership, hub) = take(member)
    // A report handler may still run; an ordinary thread waits for it here.
    if member.storage.mayAwaitHandlers { membership?.awaitReports() }
    hub?.storage.awaitDeparting()
  }

  /// The same for an owner that goes away: up to DISPATCH_LEVEL, unchecked, and without waiting for
  /// a report handler, so that the caller may hold what the handler needs.
  package func remove(_ member: InterruptSyncObject) {
    guard member.storage.isOwnProcess else { return }
    take(member).last?.storage.forgetDeparting()
  }

  /// - Returns: what `member` was in the line, and the hub when it was the last one; the line is
  ///   quiet and free then.
  private func take(_ member: InterruptSyncObject) -> (Membership?, last: InterruptSyncObject?) {
    var last: InterruptSyncObject?
    let removed = changing { () -> Member? in
      guard let index = members.firstIndex(where: { $0.object == ObjectIdentifier(member) }) else {
        return nil
      }
      let removed = members.remove(at: index)
      if members.isEmpty { swap(&last, &hub) }
      return removed
    }
    removed?.registration.cancel()
    removed?.membership.end()
    tellActivity()
    // Before the next change; no report handler is waited for, as one may wait for this change.
    last?.storage.disconnect(waiting: false)
    changed {}
    return (removed?.membership, last)
  }

  /// Says that `member` does not service the line at present, or does again (W11). While no member
  /// does, the first interrupt masks the line, which is no storm; it is re-armed as soon as one is
  /// active. A member is active when it is connected.
  ///
  /// Any thread and level, also inside the member's lock: no interrupt lock is taken.
  package func setActive(_ member: InterruptSyncObject, _ isActive: Bool) {
    monitor.locked {
      guard let index = members.firstIndex(where: { $0.object == ObjectIdentifier(member) }) else {
        return
      }
      members[index].isActive = isActive
    }
    tellActivity()
  }

  /// Tells the hub whether any member is active.
  private func tellActivity() {
    let resting = monitor.locked { () -> InterruptSyncObject? in
      guard let hub else { return nil }
      let core = hub.storage.core
      let wasInactive = unsafe cuio_flag_is_up(&core.value.inactive)
      if members.contains(where: \.isActive) {
        unsafe cuio_flag_lower(&core.value.inactive)
        return wasInactive ? hub : nil
      }
      unsafe cuio_flag_raise(&core.value.inactive)
      return nil
    }
    resting?.resumeAfterStorm()
  }

  /// Whether `member` is connected here. Any thread, any level.
  public func isConnected(_ member: InterruptSyncObject) -> Bool {
    monitor.locked { members.contains { $0.object == ObjectIdentifier(member) } }
  }

  // A routine of another member holds the line's lock as well, and may have lowered its level.
  private func requirePassive(_ member: InterruptSyncObject, _ operation: String)
    throws(InterruptSyncError)
  {
    try member.storage.requirePassive(operation)
    guard monitor.locked({ hub })?.lock.isHeldByCaller == true else { return }
    throw Verifier.violation(member.storage.wouldDeadlock(operation))
  }

  /// Begins a change of the members, one at a time; `changed` ends it unless `body` threw.
  private func changing<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    try monitor.locked { () throws(E) in
      monitor.wait { isChanging }
      let result = try body()
      isChanging = true
      return result
    }
  }

  private func changed(_ body: () -> Void) {
    monitor.locked {
      body()
      isChanging = false
      monitor.broadcast()
    }
  }
}

extension InterruptSyncObject {
  fileprivate func registerMember(_ membership: Membership) throws(InterruptSyncError)
    -> ServiceRoutineRegistration
  {
    unsafe try insert(Membership.serve, membership.context, owning: membership, false)
  }
}
