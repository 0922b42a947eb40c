// N20: what a line costs, on a clock of the test's; and unclaimed interrupts that cost next to nothing.
// The brake of what costs too much is in CostlyLineTests.swift.
import CUIO
import Glibc
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import InterruptSync

private let window: UInt64 = 50_000_000

/// Time that passes in whole windows.
private struct Clock {
  var cost: StormCost
  var reading = StormCost.Reading(now: 1)
  let says: Bool

  init(_ policy: StormPolicy = .standard, says: Bool) {
    cost = StormCost(policy)
    self.says = says
    cost.take(reading, says: says)
  }

  /// One window: dispatches a second, hundredths of a processor, hundredths of sleep and of reading
  /// on.
  mutating func pass(
    rate: UInt64, share: UInt64, rest: UInt64 = 0, spun: UInt64 = 0, others: UInt64 = 0
  ) {
    reading.now += window
    reading.used += window / 100 * share
    reading.rested += window / 100 * rest
    reading.spun += window / 100 * spun
    reading.dispatches += rate / 20
    reading.all += rate / 20 + others / 20
    cost.take(reading, says: says)
  }

  /// Worth a thread's look, or, of a line that does not say, lasting.
  var isTooMuch: Bool { says ? cost.isWorthAWatch : cost.isLasting }
}

/// In which window of 60 a line has cost too much for long enough; nil for one that never does.
private func tooMuch(
  _ policy: StormPolicy = .standard, says: Bool = true, rate: UInt64, share: UInt64,
  rest: UInt64 = 0, spun: UInt64 = 0, others: UInt64 = 0
) -> Int? {
  var clock = Clock(policy, says: says)
  return (1...60).first { _ in
    clock.pass(rate: rate, share: share, rest: rest, spun: spun, others: others)
    return clock.isTooMuch
  }
}

@Test func N20_aLineThatTakesAProcessorIsWatchedAfterAQuarterOfASecond() {
  #expect(tooMuch(rate: 12_000, share: 90) == 5)
  // The other half is the kernel's thread's.
  #expect(tooMuch(rate: 8_000, share: 52) == 5)
  #expect(tooMuch(says: false, rate: 8_000, share: 52) == 41)
}

@Test func N20_whatIsAffordableIsNoStorm() {
  #expect(tooMuch(rate: 240, share: 90) == nil)
  #expect(tooMuch(rate: 12_000, share: 29) == nil)
  // The thread sleeps a fifth of the time: 20 µs, 10,000 times a second.
  #expect(tooMuch(says: false, rate: 10_000, share: 80, rest: 20) == nil)
  // A quarter of a processor is all that an ordinary thread gets on a machine that is as loaded.
  #expect(tooMuch(rate: 10_000, share: 25) == nil)
  for says in [true, false] {
    var clock = Clock(says: says)
    for count in 1...300 {
      // Affordable half of the time.
      clock.pass(rate: 20_000, share: count % 8 < 4 ? 20 : 100)
      #expect(!clock.isTooMuch)
    }
  }
}

@Test func N20_aWindowInWhichTheThreadCouldNotRunIsNoProof() {
  var saying = Clock(says: true)
  var silent = Clock(says: false)
  for count in 1...60 {
    saying.pass(rate: 12_000, share: count % 4 == 0 ? 0 : 90)
    silent.pass(rate: 12_000, share: count % 4 == 0 ? 0 : 90)
  }
  #expect(saying.isTooMuch)
  // There the cost is all that there is.
  #expect(!silent.isTooMuch)
}

@Test func N20_eachJudgementIsSetAndSwitchedOffAlone() {
  #expect(tooMuch(StormPolicy(share: 60), rate: 12_000, share: 52) == nil)
  // A limit above what the machine does in a second, and none.
  for limit in [20_000, .max, 0] as [UInt32] {
    #expect(tooMuch(StormPolicy(limit: limit), rate: 12_000, share: 90) == 5)
  }
  #expect(!StormCost(StormPolicy(share: 0)).isJudging)
  #expect(StormPolicy(share: 0).limit == 1000)
  #expect(!StormCost(.off).isJudging)
  #expect(StormPolicy.off.limit == 0)
  #expect(StormCost(.standard).isJudging)
}

@Test func N20_aLineIsNotBlamedForTheOthersOfItsGroup() {
  #expect(tooMuch(rate: 400, share: 90, others: 9_000) == nil)
  #expect(tooMuch(rate: 9_000, share: 90, others: 1_000) == 5)
}

@Test func N20_readingOnIsNotTheDevicesCostUnlessItSays() {
  #expect(tooMuch(says: false, rate: 12_000, share: 90, spun: 80) == nil)
  #expect(tooMuch(says: true, rate: 12_000, share: 90, spun: 80) == 5)
}

@Test func N20_countersThatGoBackMakeNoStorm() {
  var clock = Clock(says: true)
  clock.reading.used = 1_000
  clock.pass(rate: 12_000, share: 90)
  clock.reading.used = 0
  clock.reading.all = 0
  for _ in 0..<3 {
    clock.pass(rate: 12_000, share: 1)
    #expect(!clock.cost.isSuspicious)
  }
}

@Test func N20_afterAPauseALineThatDoesNotSayIsMaskedAgainUnlessItSleeps() {
  let cost = StormCost(.standard)
  let start = StormCost.Reading(now: 5)
  func after(_ time: UInt64, dispatches: UInt64, rested: UInt64 = 0) -> StormCost.Reading {
    StormCost.Reading(now: 5 + time, rested: rested, dispatches: dispatches)
  }
  let probation = StormCost.probation
  #expect(cost.mustBrake(start, after(probation - 1, dispatches: 200)) == nil)
  #expect(cost.mustBrake(start, after(probation, dispatches: 200)) == true)
  #expect(cost.mustBrake(start, after(probation, dispatches: 1)) == false)
  #expect(cost.mustBrake(start, after(probation, dispatches: 200, rested: probation / 2)) == false)
}

@Test func N20_fewUnclaimedInterruptsASecondAreNoStorm() throws {
  let device = FakeDevice()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 10, action: .stayMasked), report: log.handler))
  try object.registerServiceRoutine { .unsuccessful }
  try object.connect()
  #expect(try device.nextWrite() == 1)
  let core = object.storage.core
  for _ in 0..<50 {
    device.interrupt()
    #expect(try device.nextWrite() == 1)
    // As if each had come 150 ms after the one before, within the pause that resets the count.
    try object.callSynchronizedRoutine {
      let ticks = core.value.stormSpan / 1000 * 150
      core.value.firstUnclaimed = core.value.firstUnclaimed &- ticks
    }
  }
  #expect(object.state == .connected)
  #expect(object.statistics().unclaimed == 50)
  try object.disconnect()
  #expect(log.kinds == [])
}

/// A line that is kicked when it is given, as VFIO's are.
private final class KickedLine: InterruptSource {
  let line: SoftwareLine
  let name = "kicked"

  init() throws { line = try SoftwareLine() }

  func attach() throws(InterruptSyncError) -> InterruptLine {
    let raw = try line.attach()
    #expect(cuio_line_kick(raw.raw) == 0)
    return raw
  }

  func detach() { line.detach() }

  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    line.failure(operation, errno: errno)
  }
}

@Test func N20_aKickThatIsServicedLateIsNoStormOfOne() throws {
  let source = try KickedLine()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: source, mode: .normal,
    options: InterruptSyncOptions(
      storm: StormPolicy(limit: 1, action: .stayMasked), report: log.handler))
  let core = object.storage.core
  let isLate = Flag()
  try object.registerServiceRoutine {
    // As if the thread had begun a second after connect.
    if !isLate.isUp { core.value.lastUnclaimed = linux_ticks() &- core.value.stormSpan }
    isLate.raise()
    return .unsuccessful
  }
  try object.connect()
  try object.awaitDispatches(1)
  try eventually("the kick's turn") { object.statistics().unclaimed == 1 }
  #expect(object.state == .connected)
  #expect(log.kinds == [])
  // The next one is an interrupt.
  source.line.trigger()
  try log.await(["stormBegan"])
  #expect(object.state == .storming)
  try object.disconnect()
}
