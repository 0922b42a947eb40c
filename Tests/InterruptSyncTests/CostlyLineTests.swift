// N20: lines that take a processor and are claimed: one whose device nothing silences, one that is
// silenced and interrupts at once, and one that does not say which of the two it is.
import CUIO
import Glibc
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import InterruptSync

/// A PCI function behind UIO whose configuration space is a file: a routine sets whether it asks for
/// service, and raises its interrupts.
private final class FakeFunction: InterruptSource, @unchecked Sendable {
  let name = "function"
  let isSilenced = Flag()
  private let raw = UnsafeMutablePointer<cuio_line>.allocate(capacity: 1)
  private let event = FileDescriptor(adopting: linux_event_create())
  private let configuration = FileDescriptor(
    adopting: linux_memory_create("configuration", 64))

  init() {
    raw.initialize(
      to: cuio_line(
        fd: event.raw, rearm_fd: configuration.raw, format: CUIO_COUNT_EVENTFD,
        rearm: CUIO_REARM_PCI_COMMAND, total: 0, command: 0, hooks: 0))
  }

  deinit { raw.deallocate() }

  func attach() throws(InterruptSyncError) -> InterruptLine { InterruptLine(raw) }
  func detach() {}

  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    InterruptSyncError(
      .lineFailed, object: name, operation: operation.rawValue, cause: "the file failed",
      errno: errno)
  }

  func isAsserted(_ isAsserted: Bool) {
    var status = UInt16(isAsserted ? CUIO_PCI_STATUS_INTERRUPT : 0)
    precondition(pwrite(configuration.raw, &status, 2, off_t(CUIO_PCI_STATUS)) == 2)
  }

  func interrupt() {
    isAsserted(true)
    _ = linux_event_signal(event.raw, 1)
  }

  /// Claims, and has not silenced the device when it returns, so that the line fires again at once.
  func serviceNever() -> NTStatus {
    if isSilenced.isUp { isAsserted(false) } else { interrupt() }
    return .success
  }

  /// Acknowledges, and starts what ends at once: the line is asserted whenever a routine has run.
  func serviceChain() -> NTStatus {
    isAsserted(false)
    if !isSilenced.isUp { interrupt() }
    return .success
  }
}

/// A storm in milliseconds. Of a device that is never silent one may believe each look, also where the tests beside this
/// one have the threads take turns.
private func quick(
  limit: UInt32 = 1000, share: UInt8?, believesEachLook: Bool = false
) -> StormPolicy {
  var policy = StormPolicy(
    limit: limit, share: share,
    action: .backOff(first: .milliseconds(20), longest: .milliseconds(100)))
  policy.window = 1_000_000
  if believesEachLook { policy.mustSeeEnds = false }
  return policy
}

@Test(arguments: Served.allCases, [1000, 0, .max] as [UInt32])
func N20_aDeviceThatIsClaimedAndNeverSilencedIsBrakedReportedOnceAndRecovers(
  served: Served, limit: UInt32
) throws {
  let function = FakeFunction()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: function, mode: .normal,
    options: try served.options(
      storm: quick(limit: limit, share: 1, believesEachLook: true),
      report: log.handler))
  try object.registerServiceRoutine { function.serviceNever() }
  try object.connect()
  function.interrupt()
  try log.await(["claimedStormBegan"])
  #expect(object.statistics().storms == 1)
  #expect(object.statistics().claimedStorms == 1)
  #expect(object.statistics().unclaimed == 0)
  // Through some pauses it stays one storm.
  let count = object.dispatchCount
  try object.awaitDispatches(count + 3 * UInt64(LineWatch.dispatchesAfterPause))
  #expect(log.kinds == ["claimedStormBegan"])
  function.isSilenced.raise()
  try log.await(["claimedStormBegan", "stormEnded"])
  #expect(object.state == .connected)
  try object.disconnect()
  #expect(log.kinds == ["claimedStormBegan", "stormEnded"])
}

@Test(arguments: Served.allCases)
func N20_aDeviceThatIsAcknowledgedAndInterruptsAtOnceIsNoStorm(served: Served) throws {
  let function = FakeFunction()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: function, mode: .normal,
    options: try served.options(storm: quick(share: 1), report: log.handler))
  try object.registerServiceRoutine { function.serviceChain() }
  try object.connect()
  function.interrupt()
  // Some dozens of times as many as make a storm.
  try object.awaitDispatches(40_000)
  #expect(object.state == .connected)
  function.isSilenced.raise()
  try object.disconnect()
  #expect(log.kinds == [])
  #expect(object.statistics().storms == 0)
}

@Test func N20_aStormIsOverOnceTheDeviceIsAcknowledgedHoweverBusyItIs() throws {
  let function = FakeFunction()
  let log = ReportLog()
  let isAcknowledged = Flag()
  let object = InterruptSyncObject(
    source: function, mode: .normal,
    options: InterruptSyncOptions(
      storm: quick(share: 1, believesEachLook: true), report: log.handler))
  try object.registerServiceRoutine {
    isAcknowledged.isUp ? function.serviceChain() : function.serviceNever()
  }
  try object.connect()
  function.interrupt()
  try log.await(["claimedStormBegan"])
  isAcknowledged.raise()
  try log.await(["claimedStormBegan", "stormEnded"])
  let count = object.dispatchCount
  try object.awaitDispatches(count + 10_000)
  function.isSilenced.raise()
  try object.disconnect()
  #expect(log.kinds == ["claimedStormBegan", "stormEnded"])
}

/// A line that does not say: when its routine returns the next interrupt is there.
private func busy(
  _ policy: StormPolicy, served: Served, _ log: ReportLog
) throws -> (FakeDevice, InterruptSyncObject, Flag) {
  let device = FakeDevice()
  let isSilenced = Flag()
  let object = InterruptSyncObject(
    source: device, mode: .normal,
    options: try served.options(storm: policy, report: log.handler))
  try object.registerServiceRoutine {
    // No other thread looks at what is written.
    _ = device.writes()
    if !isSilenced.isUp { device.interrupt() }
    return .success
  }
  try object.connect()
  device.interrupt()
  return (device, object, isSilenced)
}

@Test(arguments: Served.allCases)
func N20_aLineThatDoesNotSayIsReportedOnceAndStaysArmed(served: Served) throws {
  let log = ReportLog()
  let (device, object, isSilenced) = try busy(quick(share: nil), served: served, log)
  try log.await(["costly"])
  let count = object.dispatchCount
  // As long as the first report has taken at most.
  try object.awaitDispatches(count * 2)
  #expect(object.state == .connected)
  isSilenced.raise()
  try object.disconnect()
  #expect(log.kinds == ["costly"])
  #expect(object.statistics().storms == 0)
  withExtendedLifetime(device) {}
}

@Test(arguments: Served.allCases)
func N20_aLineThatDoesNotSayIsBrakedIfItsOwnerHasSetAShare(served: Served) throws {
  let log = ReportLog()
  let (device, object, isSilenced) = try busy(quick(share: 1), served: served, log)
  try log.await(["claimedStormBegan"])
  #expect(object.statistics().claimedStorms == 1)
  isSilenced.raise()
  try log.await(["claimedStormBegan", "stormEnded"])
  try object.disconnect()
  #expect(log.kinds == ["claimedStormBegan", "stormEnded"])
  withExtendedLifetime(device) {}
}

@Test func N20_theShareOfZeroLetsAClaimedLineTakeAProcessor() throws {
  let function = FakeFunction()
  let log = ReportLog()
  let object = InterruptSyncObject(
    source: function, mode: .normal,
    options: InterruptSyncOptions(storm: quick(share: 0), report: log.handler))
  try object.registerServiceRoutine { function.serviceNever() }
  try object.connect()
  function.interrupt()
  try object.awaitDispatches(40_000)
  function.isSilenced.raise()
  try object.disconnect()
  #expect(log.kinds == [])
  #expect(object.statistics().claimedStorms == 0)
}

@Test func N20_aWatchEndsWithTheFirstSilentLook() throws {
  let looks = Counter()
  let silent = try LineWatch(.max) {
    looks.add()
    return looks.value < 10 ? 1 : 0
  }
  try eventually("a verdict") { silent.verdict != nil }
  #expect(silent.verdict == .silent)
  #expect(looks.value == 10)
  // Also of a device that has gone.
  let gone = try LineWatch(.max) { -ENODEV }
  try eventually("a verdict") { gone.verdict != nil }
  #expect(gone.verdict == .silent)
}

@Test func N20_aWatchCountsDispatchesThatItHasLookedAt() throws {
  let looks = Counter()
  let watched = Guarded<LineWatch?>(nil)
  let isDue = Guarded(false)
  let watch = try LineWatch(3, patience: .max / 2) {
    // So many between two looks are those of a thread that the watch does not see at work.
    let mustDispatch = isDue.withLock { due in
      defer { due = false }
      return due
    }
    if mustDispatch { for _ in 0..<100 { watched.withLock { $0 }?.dispatched() } }
    looks.add()
    return 1
  }
  watched.withLock { $0 = watch }
  defer { watched.withLock { $0 = nil } }
  for _ in 0..<3 {
    #expect(watch.verdict == nil)
    isDue.withLock { $0 = true }
    try eventually("the dispatches") { !isDue.withLock { $0 } }
    let before = looks.value
    try eventually("two looks") { looks.value >= before + 2 || watch.verdict != nil }
  }
  #expect(watch.verdict == .asserted)
}

/// A look lasts as long as the serving thread's turn: the two share a processor.
@Test func N20_aWatchThatRunsInTurnsWithTheServingThreadWaitsForDispatchesThatItSeesEnd() throws {
  let watched = Guarded<LineWatch?>(nil)
  let looks = Counter()
  let isInTurns = Guarded(true)
  let look: @Sendable () -> Int32 = {
    watched.withLock { $0 }?.dispatched()
    let end = linux_nanoseconds() + 150_000
    while isInTurns.withLock({ $0 }), linux_nanoseconds() < end {}
    looks.add()
    return 1
  }
  let watch = try LineWatch(8, patience: .max / 2, mustSeeEnds: true, isAsserted: look)
  watched.withLock { $0 = watch }
  defer { watched.withLock { $0 = nil } }
  let before = looks.value
  try eventually("many looks") { looks.value >= before + 100 }
  #expect(watch.verdict == nil)
  isInTurns.withLock { $0 = false }
  try eventually("the verdict") { watch.verdict != nil }
  #expect(watch.verdict == .asserted)
  isInTurns.withLock { $0 = true }
  let alone = try LineWatch(8, patience: .max / 2, mustSeeEnds: false, isAsserted: look)
  watched.withLock { $0 = alone }
  try eventually("a verdict where one look in each dispatch is enough") { alone.verdict != nil }
  #expect(alone.verdict == .asserted)
}

@Test func N20_aWatchThatSeesTooLittleHasNoAnswer() throws {
  let quiet = try LineWatch(1, patience: 10_000_000) { 1 }
  try eventually("a verdict") { quiet.verdict != nil }
  #expect(quiet.verdict == .unknown)
  let stopped = try LineWatch(1, patience: .max / 2) { 1 }
  stopped.stop()
  try eventually("a verdict") { stopped.verdict != nil }
  #expect(stopped.verdict == .unknown)
}
