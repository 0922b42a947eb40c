// Descriptor lines that the program masks and unmasks: brake, hold and disconnect work on them as on a
// device's line (N10, N11, N17, N20).
import CUIO
import Glibc
import TestSupport
import Testing

@testable import InterruptSync

/// A line of the program's: an eventfd that interrupts, one that unmasks, and calls that note themselves.
private final class OwnLine: Sendable {
  let trigger = linux_event_create()
  let unmask = linux_event_create()
  let calls = Guarded<[String]>([])
  /// What the unmask call answers.
  let answer = Guarded<Int32>(0)
  let log = ReportLog()

  deinit {
    close(trigger)
    close(unmask)
  }

  func call(_ name: String) -> LineMasking.Call {
    { [calls, answer] in
      calls.withLock { $0.append(name) }
      return name == "unmask" ? answer.withLock { $0 } : 0
    }
  }

  var eachInterrupt: LineMasking {
    .eachInterrupt(mask: call("mask"), unmask: call("unmask"))
  }
  var onDemand: LineMasking {
    .onDemand(mask: call("mask"), unmask: call("unmask"))
  }

  func line(_ masking: LineMasking) throws -> FileDescriptorLine {
    try FileDescriptorLine(trigger, format: .eventCounter, name: "own", masking: masking)
  }

  /// An object on it, not connected. The routine notes itself.
  func object(
    _ masking: LineMasking, claims: Flag, storm: StormPolicy = .off,
    _ served: Served = .byItsOwnThread
  ) throws -> InterruptSyncObject {
    let object = InterruptSyncObject(
      source: try line(masking), mode: .normal,
      options: try served.options(storm: storm, report: log.handler))
    try object.registerServiceRoutine { [calls] in
      calls.withLock { $0.append("routine") }
      return claims.isUp ? .success : .unsuccessful
    }
    return object
  }

  func interrupt() { #expect(linux_event_signal(trigger, 1) == 0) }

  var all: [String] { calls.withLock { $0 } }
  func forget() { calls.withLock { $0 = [] } }

  /// Waits until the kernel would have unmasked the line once.
  func awaitUnmask() throws { try eventually("the unmask") { tookUnmask() } }
  func tookUnmask() -> Bool {
    var count: UInt64 = 0
    return read(unmask, &count, 8) == 8 && count == 1
  }
}

private func raised() -> Flag {
  let flag = Flag()
  flag.raise()
  return flag
}

@Test(arguments: Served.allCases)
func N17_anUnmaskEventfdIsWrittenOnceAtConnectAndOnceADispatch(
  _ served: Served
) throws {
  let own = OwnLine()
  let object = try own.object(.eventfd(unmask: own.unmask), claims: raised(), served)
  try object.connect()
  try own.awaitUnmask()
  for turn in 1...5 {
    own.interrupt()
    try own.awaitUnmask()
    #expect(own.all.count == turn)
  }
  try object.disconnect()
  own.interrupt()
  #expect(!own.tookUnmask() && own.all.count == 5)
  // What waited is delivered by the next connect.
  try object.connect()
  try object.awaitDispatches(6)
  try object.disconnect()
  #expect(object.statistics().interrupts == 6)
}

@Test(arguments: Served.allCases)
func N20_theBrakeLeavesALineOfAnUnmaskEventfdMasked(_ served: Served) throws {
  let own = OwnLine()
  let object = try own.object(
    .eventfd(unmask: own.unmask), claims: Flag(),
    storm: StormPolicy(limit: 2, action: .stayMasked), served)
  try object.connect()
  try own.awaitUnmask()
  own.interrupt()
  try own.awaitUnmask()
  own.interrupt()
  try own.log.await(["stormBegan"])
  #expect(object.state == .storming && !own.tookUnmask())
  object.resumeAfterStorm()
  try own.awaitUnmask()
  try object.disconnect()
}

@Test func hold_aLineOfAnUnmaskEventfdStaysMaskedUntilReleased() throws {
  let own = OwnLine()
  let object = InterruptSyncObject(
    source: try own.line(.eventfd(unmask: own.unmask)), mode: .normal)
  try object.registerServiceRoutine { [unowned object] in
    object.deferLine()
    return .success
  }
  try object.connect()
  try own.awaitUnmask()
  own.interrupt()
  try object.awaitDispatches(1)
  #expect(object.isLineDeferred && !own.tookUnmask())
  #expect(try object.releaseLine())
  #expect(own.tookUnmask())
  try object.disconnect()
}

@Test(arguments: Served.allCases)
func N17_anUnmaskCallFollowsTheRoutinesOfEachDispatchUnderTheLock(
  _ served: Served
) throws {
  let own = OwnLine()
  let lock = InterruptLock()
  let isHeld = Guarded<[Bool]>([])
  let call: LineMasking.Call = {
    isHeld.withLock { $0.append(lock.isHeldByCaller) }
    return own.call("unmask")()
  }
  let object = InterruptSyncObject(
    source: try own.line(.eachInterrupt(mask: own.call("mask"), unmask: call)), mode: .normal,
    lock: lock, options: try served.options())
  try object.registerServiceRoutine {
    own.calls.withLock { $0.append("routine") }
    return .success
  }
  try object.connect()
  try eventually("the unmask at connect") { own.all == ["unmask"] }
  for turn in 1...3 {
    own.interrupt()
    try object.awaitDispatches(UInt64(turn))
    try object.callSynchronizedRoutine {}
  }
  try object.disconnect()
  let turn = ["routine", "unmask"]
  #expect(own.all == ["unmask"] + turn + turn + turn + ["mask"])
  #expect(isHeld.withLock { $0 } == [true, true, true, true])
}

@Test func fact18_anUnmaskCallThatFailsIsReportedOnceAndRetried() throws {
  let own = OwnLine()
  let object = try own.object(own.eachInterrupt, claims: raised())
  try object.connect()
  own.answer.withLock { $0 = -EINVAL }
  own.interrupt()
  try own.log.await(["rearmFailed"])
  let error = own.log.all.first?.error
  #expect(error?.code == .lineFailed && error?.errorNumber == EINVAL)
  #expect(error?.description.contains("the line cannot be unmasked") == true)
  own.answer.withLock { $0 = 0 }
  try own.log.await(["rearmFailed", "rearmRecovered"])
  try object.disconnect()
  #expect(own.all.last == "mask")
}

@Test(arguments: Served.allCases)
func V25_aLineThatIsMaskedOnDemandIsMaskedByTheBrakeAndByADisconnect(
  _ served: Served
) throws {
  let own = OwnLine()
  let claims = Flag()
  let object = try own.object(
    own.onDemand, claims: claims, storm: StormPolicy(limit: 2, action: .stayMasked), served)
  try object.connect()
  for _ in 0..<2 {
    let before = object.dispatchCount
    own.interrupt()
    try object.awaitDispatches(before + 1)
  }
  try own.log.await(["stormBegan"])
  #expect(own.all == ["unmask", "routine", "routine", "mask"])
  claims.raise()
  object.resumeAfterStorm()
  try eventually("the end of the brake") { object.state == .connected }
  own.interrupt()
  try object.awaitDispatches(3)
  try object.disconnect()
  #expect(own.all.suffix(3) == ["unmask", "routine", "mask"])
}

@Test func V25_aBrakedLineThatIsNotUnmaskedIsAskedForAgain() throws {
  let own = OwnLine()
  let object = try own.object(
    own.onDemand, claims: Flag(), storm: StormPolicy(limit: 1, action: .stayMasked))
  try object.connect()
  own.interrupt()
  try own.log.await(["stormBegan"])
  own.answer.withLock { $0 = -EBUSY }
  own.forget()
  object.resumeAfterStorm()
  try eventually("the refusal") { own.all == ["unmask"] }
  #expect(object.state == .storming)
  own.answer.withLock { $0 = 0 }
  try eventually("the end of the brake") { object.state == .connected }
  #expect(own.all == ["unmask", "unmask"])
  try object.disconnect()
}

@Test func N10_aLineThatCannotBeUnmaskedIsNotConnected() throws {
  let own = OwnLine()
  let object = try own.object(own.onDemand, claims: raised())
  own.answer.withLock { $0 = -ENODEV }
  #expect(failure { try object.connect() }?.code == .removed)
  own.answer.withLock { $0 = -EPERM }
  let error = failure { try object.connect() }
  #expect(error?.code == .lineFailed && error?.errorNumber == EPERM)
  // The line is free for the next one.
  own.answer.withLock { $0 = 0 }
  try object.connect()
  own.interrupt()
  try object.awaitDispatches(1)
  try object.disconnect()
}

@Test func aCallEachInterruptThatFailsAtConnectIsTheErrorOfConnect() throws {
  let own = OwnLine()
  let object = try own.object(own.eachInterrupt, claims: raised())
  own.answer.withLock { $0 = -EPERM }
  #expect(failure { try object.connect() }?.errorNumber == EPERM)
  own.answer.withLock { $0 = 0 }
  try object.connect()
  try object.disconnect()
}

@Test func whatIsNoEventfdUnmasksNoLine() throws {
  let own = OwnLine()
  var ends: [Int32] = [-1, -1]
  #expect(pipe(&ends) == 0)
  defer { for end in ends { close(end) } }
  let pipe = failure { try own.line(.eventfd(unmask: ends[1])) }
  #expect(pipe?.code == .invalidArgument)
  #expect(pipe?.description.contains("is not an eventfd") == true)
  let closed = failure { try own.line(.eventfd(unmask: -1)) }
  #expect(closed?.code == .invalidArgument && closed?.errorNumber == EBADF)
  #expect(closed?.description.contains("the unmask eventfd, -1, is not open") == true)
}
