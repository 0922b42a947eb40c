// What a dispatcher does between interrupts, by strategy: seen in its statistics and its sleep.
import Glibc
import Testing
import TestSupport

@testable import InterruptSync

private struct Waiting {
  let line: SoftwareLine
  let object: InterruptSyncObject
  let thread = Counter()
  let log = ReportLog()

  init(_ strategy: WaitStrategy) throws {
    line = try SoftwareLine()
    object = InterruptSyncObject(
      source: line, mode: .normal,
      options: InterruptSyncOptions(
        dispatcher: DispatcherAttributes(waiting: strategy), report: log.handler))
    try object.registerServiceRoutine { [thread] in
      thread.set(Int(currentThread()))
      return .success
    }
  }

  /// Connects, has one interrupt served, and waits for the thread to sleep behind it.
  func serveOneAndRest() throws {
    try object.connect()
    line.trigger()
    try object.awaitDispatches(1)
    try awaitSleep(of: UInt32(thread.value))
  }
}

@Test func blockSleepsWithoutASpin() throws {
  let waiting = try Waiting(.block)
  try waiting.serveOneAndRest()
  let statistics = waiting.object.statistics()
  #expect(statistics.spinsFound == 0 && statistics.spinsInVain == 0)
  #expect(statistics.sleeps >= 1)
  try waiting.object.disconnect()
}

@Test(arguments: [
  WaitStrategy.adaptive(), .adaptive(budget: .nanoseconds(200_000)),
  .poll(idle: .nanoseconds(200_000)),
])
func everySpinEndsInSleep(_ strategy: WaitStrategy) throws {
  let waiting = try Waiting(strategy)
  try waiting.serveOneAndRest()
  let statistics = waiting.object.statistics()
  #expect(statistics.spinsInVain >= 1)
  #expect(statistics.sleeps >= 1)
  try waiting.object.disconnect()
  #expect(waiting.log.kinds == [])
}

/// An interrupt that comes while the thread reads on: the routine's own, raised by another thread
/// as soon as the dispatch is over.
@Test(arguments: [
  WaitStrategy.adaptive(budget: .nanoseconds(1_000_000)), .poll(idle: .nanoseconds(50_000_000)),
])
func aSpinMeetsAnInterrupt(_ strategy: WaitStrategy) throws {
  let waiting = try Waiting(strategy)
  try waiting.object.connect()
  var sent: UInt64 = 0
  try eventually("a spin that finds; \(waiting.object.statistics())") {
    waiting.line.trigger()
    sent += 1
    while waiting.object.completed == 0 { sched_yield() }
    return waiting.object.statistics().spinsFound > 0
  }
  try waiting.object.awaitInterrupts(sent)
  try waiting.object.disconnect()
  #expect(waiting.object.statistics().interrupts == sent)
}

@Test func anIdleLineCostsNoSpinsOnceTheyHaveDecayed() throws {
  let waiting = try Waiting(.adaptive(budget: .nanoseconds(10_000)))
  try waiting.object.connect()
  for count in 1...50 {
    waiting.line.trigger()
    try waiting.object.awaitDispatches(UInt64(count))
    try awaitSleep(of: UInt32(waiting.thread.value))
    // Far longer than budget and wake-up together: nothing that a spin could have met.
    usleep(2000)
  }
  try waiting.object.disconnect()
  let statistics = waiting.object.statistics()
  // At most the first five, where a sleep may have been cut short by this thread's own lateness.
  #expect(statistics.spinsInVain < statistics.sleeps, "\(statistics)")
}

@Test func N11_disconnectEndsASpin() throws {
  let waiting = try Waiting(.poll(idle: .seconds(Int64.max)))
  try waiting.object.connect()
  waiting.line.trigger()
  try waiting.object.awaitDispatches(1)
  for _ in 0..<repetitions(100) {
    try waiting.object.disconnect()
    try waiting.object.connect()
  }
  try waiting.object.disconnect()
  // It was told to stop and did not come to the spin's own end each time.
  #expect(waiting.object.statistics().spinsInVain <= 1)
}

@Test func N11_noInterruptIsLostBetweenSpinAndSleep() throws {
  let waiting = try Waiting(.adaptive(budget: .nanoseconds(20_000)))
  try waiting.object.connect()
  let total = UInt64(repetitions(5_000))
  for count in 1...total {
    waiting.line.trigger()
    try waiting.object.awaitInterrupts(count)
  }
  try waiting.object.disconnect()
  #expect(waiting.object.statistics().interrupts == total)
}

@Test func N6_restingIsNotHoldingTheLock() throws {
  let waiting = try Waiting(.block)
  try waiting.serveOneAndRest()
  usleep(400_000)
  waiting.line.trigger()
  try waiting.object.awaitDispatches(2)
  try waiting.object.disconnect()
  #expect(waiting.object.statistics().longestHold < .milliseconds(390))
}

@Test func N6_aReportHandlersTimeIsNotHoldingTheLock() throws {
  let pipe = try Pipe()
  let object = InterruptSyncObject(
    source: pipe.line, mode: .repeat,
    options: InterruptSyncOptions(repeatLimit: 1, report: { _ in usleep(400_000) }))
  try object.registerServiceRoutine { .success }
  pipe.interrupt()
  pipe.interrupt()
  try object.connect()
  try object.awaitDispatches(2)
  try object.disconnect()
  #expect(object.statistics().longestHold < .milliseconds(390))
}
