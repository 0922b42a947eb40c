// Objects on GPIO lines: what counts, what routines and watchers see, the brake, and the chip's end.
import CUIO
import DeviceIdentity
import Glibc
import InterruptSync
import TestSupport
import Testing

@testable import GPIO

/// An object on line 0 of a chip, whose routine collects the edges it sees.
private final class Fixture: Sendable {
  let kernel: FakeChip
  let line: GPIOLine
  let object: InterruptSyncObject
  let seen = Guarded<[[GPIOEdge]]>([])
  let reports = Guarded<[String]>([])
  let claims = Guarded(true)

  init(
    _ settings: GPIOLineSettings = GPIOLineSettings(), group: DispatcherGroup? = nil,
    storm: StormPolicy = .standard, histograms: Bool = false
  ) throws {
    kernel = try FakeChip()
    line = try GPIOLine(try kernel.open(), offset: 0, settings: settings)
    let reports = reports
    let options = InterruptSyncOptions(
      storm: storm, group: group, histograms: histograms,
      report: { report in reports.withLock { $0.append("\(report)") } })
    object = InterruptSyncObject(source: line, mode: .normal, options: options)
    let (line, seen, claims) = (line, seen, claims)
    try object.registerServiceRoutine {
      seen.withLock { $0.append(Array(line.edges)) }
      return claims.withLock { $0 } ? .success : .unsuccessful
    }
  }

  /// Connects, and waits for the dispatch that has no edge.
  func connect() throws {
    let before = object.statistics().dispatches
    try object.connect()
    try eventually("the first dispatch") { object.statistics().dispatches == before + 1 }
  }

  var interrupts: UInt64 { object.statistics().interrupts }

  func awaitInterrupts(_ count: UInt64) throws {
    try eventually("\(count) interrupts") { interrupts == count }
  }
}

@Test(arguments: [false, true])
func anObjectIsDispatchedOnceAfterConnectAndCountsNothingForIt(_ inGroup: Bool) throws {
  let it = try Fixture(group: inGroup ? try DispatcherGroup() : nil)
  for round in 1...3 {
    try it.connect()
    #expect(it.interrupts == UInt64(round - 1))
    it.kernel.edge(0)
    try it.awaitInterrupts(UInt64(round))
    try it.object.disconnect()
  }
  #expect(it.seen.withLock { $0.map(\.count) } == [0, 1, 0, 1, 0, 1])
  #expect(
    it.kernel.log.dropFirst(2) == [
      "rising falling", "off", "rising falling", "off", "rising falling", "off",
    ])
}

@Test func aRoutineSeesTheEdgesOfItsDispatchAndNoOneElseDoes() throws {
  let it = try Fixture()
  it.kernel.edge(0, rising: true, at: 100)
  it.kernel.edge(0, rising: false, at: 250)
  it.kernel.edge(0, rising: true, at: 400)
  try it.connect()
  try it.awaitInterrupts(3)
  let edges = it.seen.withLock { $0 }
  // One read, one dispatch: the kick is in it.
  #expect(edges.count == 1)
  #expect(edges[0].map(\.isRising) == [true, false, true])
  #expect(edges[0].map(\.nanoseconds) == [100, 250, 400])
  #expect(edges[0].map(\.number) == [1, 2, 3])
  #expect(it.object.statistics().coalesced == 2)
  #expect(it.line.edges.isEmpty)
  // A synchronized routine has the lock, and is on another thread than the reader.
  let others = Guarded(-1)
  let line = it.line
  try it.object.callSynchronizedRoutine { others.withLock { $0 = line.edges.count } }
  #expect(others.withLock { $0 } == 0)
  try it.object.disconnect()
}

@Test func G5_edgesThatTheKernelDroppedAreCountedAndSaid() throws {
  let it = try Fixture(GPIOLineSettings(buffer: 4))
  try it.connect()
  it.kernel.edge(0)
  try it.awaitInterrupts(1)
  it.kernel.edge(0, dropping: 6)
  try it.awaitInterrupts(8)
  #expect(it.line.droppedEdges == 6)
  #expect(it.object.statistics().coalesced == 6)
  #expect(it.seen.withLock { $0.last?.map(\.number) } == [8])
  try it.object.disconnect()
}

@Test func G14_numbersGoOnThroughTheirEnd() throws {
  let it = try Fixture()
  it.kernel.state.withLock { $0.lines[0].number = .max - 1 }
  unsafe cuio_line_set_total(it.line.raw, .max - 1)
  try it.connect()
  for count in 1...3 {
    it.kernel.edge(0)
    try it.awaitInterrupts(UInt64(count))
  }
  #expect(it.line.droppedEdges == 0)
  #expect(it.seen.withLock { $0.flatMap { $0 }.map(\.number) } == [.max, 0, 1])
  try it.object.disconnect()
}

@Test func edgesBeforeTheFirstConnectAreNoneAndThoseLeftAtADisconnectAreKept() throws {
  let kernel = try FakeChip()
  let chip = try kernel.open()
  let line = try GPIOLine(chip, offset: 0)
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  kernel.edge(0)
  kernel.edge(0)
  try object.connect()
  try eventually("both") { object.statistics().interrupts == 2 }
  try object.disconnect()
}

@Test func theRecordOfADispatchHasItsLastEdge() async throws {
  let it = try Fixture()
  let events = try it.object.interrupts()
  var iterator = events.makeAsyncIterator()
  try it.connect()
  let first = await iterator.next()
  #expect(first?.count == 0 && first?.edge == nil)
  it.kernel.edge(0, rising: false, at: 7_000_000_123)
  let second = await iterator.next()
  #expect(second?.count == 1)
  #expect(second?.edge?.nanoseconds == 7_000_000_123)
  #expect(second?.edge?.isRising == false)
  #expect(second?.edge?.number == 1)
  try it.object.disconnect()
  // Another line says nothing about its interrupts.
  let software = try SoftwareLine()
  try it.object.connect(to: software)
  software.trigger()
  #expect(await iterator.next()?.edge == nil)
  try it.object.disconnect()
}

@Test(arguments: [false, true])
func theBrakeSwitchesTheEdgesOffAndAKickMakesUpForThem(_ inGroup: Bool) throws {
  let it = try Fixture(
    group: inGroup ? try DispatcherGroup() : nil, storm: StormPolicy(limit: 3, action: .stayMasked))
  it.claims.withLock { $0 = false }
  try it.connect()
  for count in 1...3 {
    it.kernel.edge(0)
    try it.awaitInterrupts(UInt64(count))
  }
  try eventually("the brake") { it.object.state == .storming && it.kernel.log.last == "off" }
  it.claims.withLock { $0 = true }
  it.object.resumeAfterStorm()
  try eventually("the look after the pause") { it.object.statistics().dispatches == 5 }
  #expect(it.object.state == .connected)
  #expect(it.kernel.log.suffix(2) == ["off", "rising falling"])
  #expect(it.seen.withLock { $0.last?.isEmpty } == true)
  it.kernel.edge(0)
  try it.awaitInterrupts(4)
  #expect(it.object.statistics().storms == 1)
  try it.object.disconnect()
}

@Test func edgesThatDoNotComeBackOnAreAskedForAgain() throws {
  let it = try Fixture(storm: StormPolicy(limit: 2, action: .stayMasked))
  it.claims.withLock { $0 = false }
  try it.connect()
  for count in 1...2 {
    it.kernel.edge(0)
    try it.awaitInterrupts(UInt64(count))
  }
  try eventually("the brake") { it.object.state == .storming && it.kernel.log.last == "off" }
  it.kernel.state.withLock { $0.configuring = [-EIO] }
  it.claims.withLock { $0 = true }
  it.object.resumeAfterStorm()
  try eventually("two tries") { it.kernel.log.suffix(2) == ["rising falling", "rising falling"] }
  try eventually("the end of the brake") { it.object.state == .connected }
  try it.object.disconnect()
}

@Test func aFailedConnectNamesTheLineAndLeavesItFree() throws {
  let it = try Fixture()
  it.kernel.state.withLock { $0.configuring = [-ENXIO] }
  do {
    try it.object.connect()
    Issue.record("connected")
  } catch {
    #expect(error.code == .lineFailed)
    #expect(error.device?.code == .noInterrupt)
    #expect(error.object == "gpiochip0 (board) line 0")
  }
  try it.connect()
  try it.object.disconnect()
}

@Test func aLineBelongsToOneObject() throws {
  let it = try Fixture()
  try it.connect()
  let second = InterruptSyncObject(source: it.line, mode: .normal)
  try second.registerServiceRoutine { .success }
  do {
    try second.connect()
    Issue.record("connected")
  } catch { #expect(error.code == .lineBusy) }
  try it.object.disconnect()
  try second.connect()
  try second.disconnect()
}

@Test(arguments: [false, true], [false, true])
func G10_aChipThatGoesEndsTheLine(_ inGroup: Bool, _ whileBraked: Bool) throws {
  let it = try Fixture(
    group: inGroup ? try DispatcherGroup() : nil, storm: StormPolicy(limit: 2, action: .stayMasked))
  it.claims.withLock { $0 = !whileBraked }
  try it.connect()
  for count in 1...2 {
    it.kernel.edge(0)
    try it.awaitInterrupts(UInt64(count))
  }
  if whileBraked { try eventually("the brake") { it.object.state == .storming } }
  it.kernel.remove()
  try eventually("the end") { it.object.state == .ended }
  try eventually("the report") { it.reports.withLock { $0.last?.contains("removed") } == true }
  try it.object.disconnect()
  do {
    try it.object.connect()
    Issue.record("connected")
  } catch { #expect(error.code == .removed) }
}

@Test func G2_whatIsNoRecordEndsTheLineAsFailed() throws {
  let it = try Fixture()
  try it.connect()
  it.kernel.garbage(0, 47)
  try eventually("the end") { it.object.state == .ended }
  try eventually("the report") {
    it.reports.withLock { $0.last?.contains("not a record of 48 bytes") } == true
  }
  try it.object.disconnect()
}

@Test func theTimeFromAnEdgeToItsRoutineIsTheLatency() throws {
  let it = try Fixture(histograms: true)
  try it.connect()
  // The dispatch that follows a connect has no edge, and no cause.
  it.kernel.edge(0, at: linux_nanoseconds() - 30_000_000)
  try it.awaitInterrupts(1)
  try eventually("the latency") { it.object.histogram(of: .latency)?.count == 1 }
  let first = try #require(it.object.histogram(of: .latency)?.longest)
  #expect(first >= .milliseconds(30))
  it.kernel.edge(0, at: linux_nanoseconds())
  try it.awaitInterrupts(2)
  try eventually("the second latency") { it.object.histogram(of: .latency)?.count == 2 }
  #expect(try #require(it.object.histogram(of: .latency)?.percentile(50)) < first)
  try it.object.disconnect()
}

@Test func edgesWithAnotherClockHaveNoLatency() throws {
  let it = try Fixture(GPIOLineSettings(clock: .realtime), histograms: true)
  try it.connect()
  it.kernel.edge(0, at: linux_nanoseconds())
  try it.awaitInterrupts(1)
  try eventually("two times") { it.object.histogram(of: .service)?.count == 2 }
  #expect(it.object.histogram(of: .latency)?.count == 0)
  try it.object.disconnect()
}
