// N11, N20, N21: reports of a shared line and of its members come at PASSIVE_LEVEL without any lock, so
// that their handlers may connect, disconnect, and wait for threads that do.
import CUIO
import Glibc
import TestSupport
import Testing

@testable import InterruptSync

/// A shared line with a member whose list claims for ever, and what its handler does.
private final class Claimer: @unchecked Sendable {
  let line: SoftwareLine
  let shared: SharedLine
  let member: InterruptSyncObject
  let handled = Signal()
  private let action = Guarded<(@Sendable (Claimer) -> Void)?>(nil)

  init(
    _ served: Served, limit: UInt64 = 3, action: @escaping @Sendable (Claimer) -> Void
  ) throws {
    line = try SoftwareLine()
    shared = SharedLine(line, options: try served.options())
    let holder = Holder<Claimer>()
    member = InterruptSyncObject(
      source: line, mode: .repeat,
      options: InterruptSyncOptions(
        repeatLimit: limit,
        report: { report in
          guard case .repeatLimitReached(limit) = report, let its = holder.value else { return }
          its.action.withLock { $0 }?(its)
          its.handled.raise()
        }))
    try member.registerServiceRoutine { .success }
    self.action.withLock { $0 = action }
    holder.value = self
    end = { holder.value = nil }
  }

  /// Ends the circle of references. A test that hangs leaves it, as the handler still runs.
  private(set) var end: () -> Void = {}

  func newMember() throws -> InterruptSyncObject {
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .unsuccessful }
    return object
  }
}

@Suite struct SharedLineReportTests {
  @Test(arguments: Served.allCases)
  func N20_aMembersReportComesAtPassiveLevelWithoutALock(_ served: Served) throws {
    let levels = Guarded<[InterruptLevel]>([])
    let locked = Counter()
    let claimer = try Claimer(served) { its in
      levels.withLock { $0.append(.current) }
      if its.member.lock.isHeldByCaller { locked.add() }
    }
    try claimer.shared.connect(claimer.member)
    for _ in 0..<20 {
      claimer.line.trigger()
      try claimer.handled.wait("the member's report")
    }
    try claimer.shared.disconnect(claimer.member)
    #expect(levels.withLock { $0 } == Array(repeating: .passive, count: 20) && locked.value == 0)
    #expect(claimer.handled.pending == 0 && claimer.member.statistics().repeatLimits == 20)
    claimer.end()
  }

  @Test(arguments: Served.allCases)
  func N11_aMembersReportHandlerWaitsForAThreadThatNeedsTheLine(_ served: Served) throws {
    let failures = Counter()
    let claimer = try Claimer(served) { its in
      // Each of these takes the lock that the line's objects are called with.
      let other = Worker {
        if failure({
          let new = try its.newMember()
          try its.shared.connect(new)
          try its.shared.disconnect(new)
        }) != nil {
          failures.add()
        }
      }
      do { try other.join("the other thread: DEADLOCK with a member's report handler") } catch {
        failures.add()
      }
    }
    try claimer.shared.connect(claimer.member)
    for _ in 0..<5 {
      claimer.line.trigger()
      try claimer.handled.wait("the handler")
      try #require(failures.value == 0)
    }
    try claimer.shared.disconnect(claimer.member)
    claimer.end()
  }

  @Test(arguments: Served.allCases, [false, true])
  func N11_aMembersReportHandlerDisconnectsAndConnectsIt(_ served: Served, _ alone: Bool) throws {
    let failures = Counter()
    let claimer = try Claimer(served) { its in
      if failure({ try its.shared.disconnect(its.member) }) != nil { failures.add() }
      if failure({ try its.shared.connect(its.member) }) != nil { failures.add() }
    }
    let neighbour = try claimer.newMember()
    if !alone { try claimer.shared.connect(neighbour) }
    try claimer.shared.connect(claimer.member)
    for turn in 1...20 as ClosedRange<UInt64> {
      claimer.line.trigger()
      try claimer.handled.wait("the handler of turn \(turn)")
      #expect(claimer.member.dispatchCount == turn)
    }
    try claimer.shared.disconnect(claimer.member)
    try claimer.shared.disconnect(neighbour)
    #expect(failures.value == 0)
    _ = try claimer.line.attach()
    claimer.end()
  }

  /// With a neighbour that stays, so that the line goes on.
  @Test(arguments: Served.allCases)
  func N11_disconnectWaitsForTheMembersHandlerAndNoReportFollows(_ served: Served) throws {
    for _ in 0..<repetitions(50) {
      let (inside, leave) = (Signal(), Signal())
      let isOver = Flag(), late = Counter()
      let claimer = try Claimer(served) { its in
        if isOver.isUp { late.add() }
        inside.raise()
        leave.take()
        if isOver.isUp { late.add() }
      }
      let neighbour = try claimer.newMember()
      try claimer.shared.connect(neighbour)
      try claimer.shared.connect(claimer.member)
      claimer.line.trigger()
      try inside.wait("the member's report")
      // One more to be reported, which comes too late.
      claimer.line.trigger()
      let owner = Worker {
        if failure({ try claimer.shared.disconnect(claimer.member) }) != nil { late.add() }
        isOver.raise()
      }
      try eventually("the disconnect") { !claimer.shared.isConnected(claimer.member) }
      leave.raise(2)
      try owner.join("disconnect: DEADLOCK with the member's report handler")
      let dispatched = neighbour.dispatchCount
      claimer.line.trigger()
      try eventually("the neighbour's dispatch") { neighbour.dispatchCount > dispatched }
      try claimer.shared.disconnect(neighbour)
      #expect(late.value == 0)
      claimer.end()
    }
  }

  @Test(arguments: Served.allCases)
  func aThreadThatEndsInsideAMembersRoutineIsReportedToTheMemberOnce(_ served: Served) throws {
    let line = try SoftwareLine()
    let shared = SharedLine(line, options: try served.options())
    let log = ReportLog()
    let broken = InterruptSyncObject(
      source: line, mode: .normal, options: InterruptSyncOptions(report: log.handler))
    let whole = InterruptSyncObject(source: line, mode: .normal)
    for object in [broken, whole] {
      try object.registerServiceRoutine { .success }
      try shared.connect(object)
    }
    for turn in 1...3 as ClosedRange<UInt64> {
      // Ends with the lock, as a thread that is cancelled inside a synchronized routine.
      let lock = broken.lock
      try Worker { _ = lock.acquire() }.join()
      for more in 1...5 as ClosedRange<UInt64> {
        line.trigger()
        try eventually("the other member's dispatch") {
          whole.dispatchCount == (turn - 1) * 6 + more
        }
      }
      try log.await(.init(repeating: "failed", count: Int(turn)))
      #expect(log.all.last?.error?.code == .lockOwnerDied && broken.dispatchCount == turn - 1)
      #expect(lock.repair {})
      line.trigger()
      try eventually("a dispatch after the repair") {
        broken.dispatchCount == turn && whole.dispatchCount == turn * 6
      }
    }
    try shared.disconnect(broken)
    try shared.disconnect(whole)
    #expect(log.kinds == ["failed", "failed", "failed"])
  }

  /// Attributes that the system refuses are reported on the connecting thread.
  @Test(arguments: [false, true])
  func N11_theLinesReportHandlerDisconnectsInsideConnect(_ again: Bool) throws {
    let line = try SoftwareLine()
    let (shared, member) = (Holder<SharedLine>(), Holder<InterruptSyncObject>())
    let failures = Counter(), reports = Counter()
    var options = InterruptSyncOptions(report: { report in
      guard case .attributeRefused = report, reports.value == 0 else { return }
      reports.add()
      guard let shared = shared.value, let member = member.value else { return failures.add() }
      if failure({ try shared.disconnect(member) }) != nil { failures.add() }
      if again, failure({ try shared.connect(member) }) != nil { failures.add() }
    })
    // A line of software has no interrupt to be routed.
    options.dispatcher.interruptProcessors = [0]
    shared.value = SharedLine(line, options: options)
    let object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    member.value = object
    let owner = Worker {
      if failure({ try shared.value?.connect(object) }) != nil { failures.add() }
    }
    do {
      try owner.join("connect: DEADLOCK of SharedLine.connect with its own report handler")
    } catch {
      _ = Unmanaged.passRetained(shared)
      throw error
    }
    #expect(failures.value == 0 && reports.value == 1)
    #expect(shared.value?.isConnected(object) == again)
    try shared.value?.disconnect(object)
    shared.value = nil
    member.value = nil
    _ = try line.attach()
  }
}
