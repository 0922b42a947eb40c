// When a thread may read on instead of sleeping (facts 53, 54), for how long, and what it learns.
import Testing

@testable import InterruptSync

private func conditions(
  processors: Int = 2, priority: Int32 = 0, kernel: KernelVersion = KernelVersion(6, 12),
  forcesThreads: Bool = false, isHardware: Bool = true, thread: Int32? = nil
) -> WaitConditions {
  WaitConditions(
    processors: processors, priority: priority, kernel: kernel, forcesThreads: forcesThreads,
    isHardware: isHardware, interruptThreadPriority: thread)
}

@Test func automaticSpinsOnlyWithASecondProcessor() {
  #expect(conditions(processors: 1).decide(.automatic) == .block)
  #expect(conditions(processors: 2).decide(.automatic) == .adaptive(budget: nil))
  #expect(conditions(processors: 1, isHardware: false).decide(.automatic) == .block)
}

@Test(
  arguments: [
    // The thread's priority, kernel, forced threads, hardware, priority of irq/N; whether it may spin.
    (0, KernelVersion(6, 12), false, true, nil, true),
    (0, KernelVersion(6, 1), true, true, nil, true),
    (49, KernelVersion(6, 10), false, true, nil, true),
    (50, KernelVersion(6, 10), false, true, nil, false),
    (80, KernelVersion(7, 0), false, true, nil, false),
    (80, KernelVersion(6, 9), false, true, nil, true),
    (80, KernelVersion(6, 1), true, true, nil, false),
    (80, KernelVersion(6, 12), false, false, nil, true),
    // The line's own thread was raised, or lowered.
    (80, KernelVersion(6, 12), false, true, 90, true),
    (80, KernelVersion(6, 12), false, true, 80, false),
    (40, KernelVersion(6, 12), false, true, 30, false),
    (80, KernelVersion(6, 1), false, true, 50, false),
  ] as [(Int32, KernelVersion, Bool, Bool, Int32?, Bool)])
func fact53_nobodySpinsWhereTheInterruptsOwnThreadCouldNotRun(
  priority: Int32, kernel: KernelVersion, forces: Bool, isHardware: Bool, thread: Int32?,
  maySpin: Bool
) {
  let those = conditions(
    priority: priority, kernel: kernel, forcesThreads: forces, isHardware: isHardware,
    thread: thread)
  #expect(those.decide(.automatic) == (maySpin ? .adaptive(budget: nil) : .block))
  #expect(
    those.decide(.adaptive(budget: .nanoseconds(7))) == (maySpin ? .adaptive(budget: 7) : .block))
  #expect(those.decide(.poll(idle: .nanoseconds(7))) == (maySpin ? .poll(idle: 7) : .block))
  #expect(those.refuses(.adaptive()) == !maySpin)
  #expect(those.refuses(.poll()) == !maySpin)
  // Nobody asked for anything.
  #expect(!those.refuses(.automatic) && !those.refuses(.block))
  #expect(those.decide(.block) == .block)
}

@Test func whatIsAskedForIsBounded() {
  #expect(
    conditions().decide(.adaptive(budget: .seconds(Int64.max))) == .adaptive(budget: 1_000_000))
  #expect(conditions().decide(.poll(idle: .seconds(Int64.max))) == .poll(idle: 100_000_000))
  // One processor is no reason against what was asked for.
  #expect(
    conditions(processors: 1).decide(.adaptive(budget: .nanoseconds(9))) == .adaptive(budget: 9))
}

@Test func kernelVersionsAreReadFromReleases() {
  #expect(KernelVersion(release: "6.12.9+deb13-amd64") == KernelVersion(6, 12))
  #expect(KernelVersion(release: "6.10-rc3") == KernelVersion(6, 10))
  #expect(KernelVersion(release: "7.0") == KernelVersion(7, 0))
  #expect(KernelVersion(release: "unknown") == nil)
  #expect(KernelVersion(release: "6") == nil)
  #expect(KernelVersion(6, 9) < KernelVersion(6, 10))
  #expect(KernelVersion(5, 19) < KernelVersion(6, 0))
  #expect(KernelVersion.running > KernelVersion(2, 6))
}

@Test func spinsInVainEndSpinning() {
  var pacer = WaitPacer(full: 1600, wakeCost: 1000, decays: true)
  var budgets: [UInt64] = []
  for _ in 0..<7 {
    budgets.append(pacer.budget)
    pacer.foundNothing()
  }
  #expect(budgets == [1600, 800, 400, 200, 100, 0, 0])
}

@Test func oneSpinThatFindsRestoresTheBudget() {
  var pacer = WaitPacer(full: 1600, wakeCost: 1000, decays: true)
  for _ in 0..<3 { pacer.foundNothing() }
  pacer.found()
  #expect(pacer.budget == 1600)
}

@Test func aShortSleepRestoresTheBudgetAndALongOneDoesNot() {
  var pacer = WaitPacer(full: 1600, wakeCost: 1000, decays: true)
  for _ in 0..<7 { pacer.foundNothing() }
  pacer.slept(2601)
  #expect(pacer.budget == 0)
  pacer.slept(2600)
  #expect(pacer.budget == 1600)
}

@Test func blockNeverBeginsToSpin() {
  var pacer = WaitPacer.block
  pacer.slept(0)
  pacer.found()
  #expect(pacer.budget == 0)
}

@Test func pollDoesNotDecay() {
  var pacer = WaitPacer(.poll(idle: 1_000_000), isRealTime: false)
  let full = pacer.budget
  #expect(full > 0 && pacer.yieldAfter > 0 && pacer.yieldAfter < full)
  for _ in 0..<100 { pacer.foundNothing() }
  #expect(pacer.budget == full)
}

@Test func theLearnedBudgetIsTwiceWhatAWakeUpCostsWithinBounds() {
  #expect(
    [0, 9_999, 10_001, 24_999, 25_001, 1 << 40].map(WakeCost.budget) == [
      20_000, 20_000, 20_002, 49_998, 50_000, 50_000,
    ])
  let cost = WakeCost.current(isRealTime: false)
  #expect((2_000...50_000).contains(cost))
  #expect(WakeCost.current(isRealTime: false) == cost)
  #expect(WaitPacer(.adaptive(budget: nil), isRealTime: false).budget > 0)
}
