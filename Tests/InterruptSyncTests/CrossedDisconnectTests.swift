// N11, N12: report handlers and routines that end each other's connections. No dispatcher waits for
// another one's end, so none of these can lock up; a failure says which objects did.
import LinuxSystem
import TestSupport
import Testing

@testable import InterruptSync

/// How the objects of a test are served.
enum Serving: CaseIterable, CustomTestStringConvertible {
  case ownThreads, groups, oneOfItsOwn, oneGroup
  var testDescription: String { "\(self)" }

  /// One entry for each of `count` objects; nil is a thread of the object's own.
  func groups(_ count: Int) throws -> [DispatcherGroup?] {
    switch self {
    case .ownThreads: return Array(repeating: nil, count: count)
    case .groups: return try (0..<count).map { try DispatcherGroup(name: "group \($0)") }
    case .oneOfItsOwn: return try (0..<count).map { $0 == 0 ? nil : try DispatcherGroup() }
    case .oneGroup:
      let group = try DispatcherGroup()
      return Array(repeating: group, count: count)
    }
  }
}

/// A card with several functions that go away together: each object's report handler does something
/// to another object. The handlers that can be inside at once are.
private final class Card: @unchecked Sendable {
  let pipes: [Pipe]
  let failures = Counter()
  /// Guards `references`. Not a `Mutex`, which the thread sanitizer does not see.
  private let monitor = Monitor()
  /// Read and released by several handlers at once.
  private var references: [InterruptSyncObject?] = []
  private let arrived = Signal()
  private let start = Signal()
  private let done = Signal()
  /// Handlers that run at once: a group has one thread.
  private let together: Int
  private let what: String

  init(
    _ count: Int, _ serving: Serving, _ what: String,
    handler: @escaping @Sendable (Card, Int) -> Void
  ) throws {
    self.what = "\(count) objects, \(serving): \(what)"
    together = serving == .oneGroup ? 1 : count
    pipes = try (0..<count).map { _ in try Pipe() }
    for (index, group) in try serving.groups(count).enumerated() {
      var options = InterruptSyncOptions(group: group)
      options.report = { [self] report in
        guard case .removed = report else { return }
        arrived.raise()
        start.take()
        handler(self, index)
        done.raise()
      }
      let object = InterruptSyncObject(source: pipes[index].line, mode: .normal, options: options)
      try object.registerServiceRoutine { .success }
      references.append(object)
    }
    for object in objects { try object?.connect() }
  }

  var objects: [InterruptSyncObject?] { monitor.locked { references } }

  /// Drops the reference to an object.
  func release(_ index: Int) {
    // Taken out under the lock, and released after it.
    let gone = monitor.locked {
      defer { references[index] = nil }
      return references[index]
    }
    withExtendedLifetime(gone) {}
  }

  /// Unplugs the card and returns when the handlers have run, with `owner` beside them. The last
  /// release of an object that hangs would hang as well: then nothing is released.
  func unplug(beside owner: @escaping @Sendable (Card) -> Void = { _ in }) throws {
    for pipe in pipes { pipe.closeWriter() }
    try arrived.wait("\(together) handlers; \(what)", count: together)
    let other = Worker { [self] in owner(self) }
    start.raise(pipes.count)
    do {
      try done.wait("the end of \(together) handlers: DEADLOCK; \(what)", count: together)
      try other.join("the end of the owner's thread: DEADLOCK; \(what)")
    } catch {
      _ = Unmanaged.passRetained(self)
      throw error
    }
  }

  /// Lets go of what the handlers hold.
  func end() throws {
    // Handlers of other objects than those that the test waited for may still run, and connect.
    let left = objects
    while left.contains(where: { $0.map { $0.state != .disconnected } ?? false }) {
      for object in left { try object?.disconnect() }
    }
    for index in left.indices { release(index) }
    for pipe in pipes {
      _ = try pipe.line.attach()
      pipe.line.detach()
    }
  }
}

@Test(arguments: Serving.allCases, [2, 3])
func N11_handlersDisconnectEachOthersObjects(_ serving: Serving, _ count: Int) throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(60) {
    let step = Int.random(in: 1..<count, using: &random)
    let hasOwner = Bool.random(using: &random)
    let card = try Card(count, serving, "handlers disconnect each other") { card, index in
      let next = card.objects[(index + step) % count]
      if failure({ try next?.disconnect() }) != nil { card.failures.add() }
      if next?.state != .disconnected { card.failures.add() }
    }
    try card.unplug { card in
      guard hasOwner else { return }
      for object in card.objects where failure({ try object?.disconnect() }) != nil {
        card.failures.add()
      }
    }
    #expect(card.failures.value == 0)
    try card.end()
  }
}

@Test(arguments: Serving.allCases, [2, 3])
func N12_handlersReleaseEachOthersObjects(_ serving: Serving, _ count: Int) throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(60) {
    let step = Int.random(in: 1..<count, using: &random)
    let card = try Card(count, serving, "handlers release each other's objects") { card, index in
      // The last reference: with it, in groups, goes the group.
      card.release((index + step) % count)
    }
    try card.unplug()
    for pipe in card.pipes where serving != .oneGroup {
      _ = try pipe.line.attach()
      pipe.line.detach()
    }
    try card.end()
  }
}

@Test(arguments: Serving.allCases, [2, 3])
func N13_handlersConnectEachOthersObjectsAgain(_ serving: Serving, _ count: Int) throws {
  for _ in 0..<repetitions(60) {
    let lines = try (0..<count).map { try SoftwareLine(name: "next \($0)") }
    let card = try Card(count, serving, "handlers connect each other's objects") { card, index in
      let next = (index + 1) % count
      if failure({ try card.objects[next]?.disconnect() }) != nil { card.failures.add() }
      if failure({ try card.objects[next]?.connect(to: lines[next]) }) != nil {
        card.failures.add()
      }
    }
    try card.unplug()
    #expect(card.failures.value == 0)
    // In one group the first handler connects the second object, whose own report never comes.
    for index in 0..<count where serving != .oneGroup || index == 1 {
      lines[index].trigger()
      try #require(card.objects[index]).awaitDispatches(1)
    }
    try card.end()
  }
}

/// Two objects whose report handlers are inside at once.
private func withTwo(
  _ serving: Serving, _ handler: @escaping @Sendable (InterruptSyncObject) -> Void,
  _ body: ([InterruptSyncObject], [SoftwareLine]) throws -> Void
) throws {
  let lines = [try SoftwareLine(name: "a"), try SoftwareLine(name: "b")]
  let holder = Holder<[InterruptSyncObject]>([])
  for (index, group) in try serving.groups(2).enumerated() {
    let options = InterruptSyncOptions(
      repeatLimit: 2, group: group, report: { _ in handler(holder.value![1 - index]) })
    let object = InterruptSyncObject(source: lines[index], mode: .repeat, options: options)
    try object.registerServiceRoutine { .success }
    holder.value?.append(object)
  }
  for object in holder.value! { try object.connect() }
  try body(holder.value!, lines)
  // The handler of one may connect the other again after it was disconnected here.
  while holder.value!.contains(where: { $0.state != .disconnected }) {
    for object in holder.value! { try object.disconnect() }
  }
  holder.value = nil
}

@Test(arguments: Serving.allCases)
func N13_aHandlerConnectsTheOtherObjectToItsOwnLineAgain(_ serving: Serving) throws {
  let done = Signal()
  let failures = Counter()
  let turns = Counter()
  // Both handlers at once, as often as they meet; the line is free whenever a disconnect returns.
  try withTwo(serving) { other in
    if failure({ try other.disconnect() }) != nil { failures.add() }
    let refused = failure { try other.connect() }
    // The other one's own handler, or the test, may have been faster.
    if let refused, refused.code != .alreadyConnected { failures.add() }
    turns.add()
    done.raise()
  } _: { objects, lines in
    for _ in 0..<repetitions(200) {
      for line in lines { line.trigger() }
      try done.wait("a handler: DEADLOCK of two that reconnect each other; \(serving)")
    }
    try eventually("both connected") { objects.allSatisfy { $0.state == .connected } }
  }
  #expect(failures.value == 0 && turns.value > 0)
}

@Test(arguments: Serving.allCases)
func N11_aHandlersDisconnectWaitsForTheRoutineOfTheOtherObject(_ serving: Serving) throws {
  guard serving != .oneGroup else { return }
  let groups = try serving.groups(2)
  let (line, pipe) = (try SoftwareLine(), try Pipe())
  let (entered, leave, done) = (Signal(), Signal(), Signal())
  let (isInside, wasInside) = (Flag(), Flag())
  let busy = InterruptSyncObject(
    source: line, mode: .normal, options: InterruptSyncOptions(group: groups[0]))
  let registration = try busy.registerServiceRoutine {
    isInside.raise()
    entered.raise()
    leave.take()
    isInside.lower()
    return .success
  }
  let gone = InterruptSyncObject(
    source: pipe.line, mode: .normal,
    options: InterruptSyncOptions(
      group: groups[1],
      report: { _ in
        try? busy.disconnect()
        if isInside.isUp { wasInside.raise() }
        done.raise()
      }))
  try gone.registerServiceRoutine { .success }
  try busy.connect()
  try gone.connect()
  line.trigger()
  try entered.wait("the routine")
  pipe.closeWriter()
  try busy.lock.awaitWaiter()
  line.trigger()
  leave.raise(2)
  try done.wait("the handler")
  let calls = registration.statistics.calls
  line.trigger(3)
  #expect(!wasInside.isUp && busy.state == .disconnected)
  #expect(try busy.callSynchronizedRoutine { registration.statistics.calls } == calls)
}

@Test func N11_anOrdinaryThreadsDisconnectWaitsForTheReportHandler() throws {
  let pipe = try Pipe()
  let (entered, leave) = (Signal(), Signal())
  let isInside = Flag()
  let object = InterruptSyncObject(
    source: pipe.line, mode: .normal,
    options: InterruptSyncOptions(report: { _ in
      isInside.raise()
      entered.raise()
      leave.take()
      isInside.lower()
    }))
  try object.registerServiceRoutine { .success }
  try object.connect()
  pipe.closeWriter()
  try entered.wait("the handler")
  let early = Counter()
  let threads = (0..<3).map { _ in
    Worker {
      try? object.disconnect()
      if isInside.isUp { early.add() }
    }
  }
  // The connection is over at once; the threads that ended it wait for the handler.
  try eventually("the disconnect") { object.state == .disconnected }
  leave.raise()
  for thread in threads { try thread.join() }
  #expect(early.value == 0)
}

@Test func N12_routinesReleaseEachOthersObjects() throws {
  for _ in 0..<repetitions(200) {
    let lines = [try SoftwareLine(name: "a"), try SoftwareLine(name: "b")]
    let holders = lines.map { Holder(InterruptSyncObject(source: $0, mode: .normal)) }
    let (arrived, start, done) = (Signal(), Signal(), Signal())
    for index in 0..<2 {
      try holders[index].value?.registerServiceRoutine {
        arrived.raise()
        start.take()
        holders[1 - index].value = nil
        done.raise()
        return .success
      }
      try holders[index].value?.connect()
    }
    for line in lines { line.trigger() }
    try arrived.wait("both routines", count: 2)
    start.raise(2)
    try done.wait("both routines: DEADLOCK of routines that release each other's object", count: 2)
    // Each line is given back by its own thread.
    for line in lines {
      try eventually("the line's release") { failure { _ = try line.attach() } == nil }
    }
  }
}

@Test func aSharedLineEndsWhileOwnerAndReportHandlerTakeTheMemberOut() throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(100) {
    let connects = Bool.random(using: &random)
    let pipe = try Pipe()
    let (arrived, start, done) = (Signal(), Signal(), Signal())
    let (line, member) = (Holder<SharedLine>(), Holder<InterruptSyncObject>())
    let failures = Counter()
    line.value = SharedLine(
      pipe.line,
      options: InterruptSyncOptions(report: { _ in
        arrived.raise()
        start.take()
        guard let shared = line.value, let object = member.value else { return }
        if failure({ try shared.disconnect(object) }) != nil { failures.add() }
        done.raise()
      }))
    let object = InterruptSyncObject(source: pipe.line, mode: .normal)
    member.value = object
    try object.registerServiceRoutine { .success }
    try #require(line.value).connect(object)
    pipe.closeWriter()
    try arrived.wait("the handler")
    let owner = Worker {
      guard let shared = line.value else { return }
      if failure({ try shared.disconnect(object) }) != nil { failures.add() }
      // Its line has ended: another report, which finds its way at once.
      if connects, failure({ try shared.connect(object) }) != nil { failures.add() }
      if failure({ try shared.disconnect(object) }) != nil { failures.add() }
    }
    start.raise(3)
    do {
      try done.wait("the handler: DEADLOCK of SharedLine.disconnect by owner and handler")
      try owner.join("the owner: DEADLOCK of SharedLine.disconnect by owner and handler")
    } catch {
      _ = Unmanaged.passRetained(line)
      throw error
    }
    #expect(failures.value == 0 && line.value?.isConnected(object) == false)
    _ = try pipe.line.attach()
    line.value = nil
    member.value = nil
  }
}

@Test func N9_ofTwoThatConnectAnEndedObjectOneIsRefusedAndTheOtherStays() throws {
  for _ in 0..<repetitions(300) {
    let pipe = try Pipe()
    let object = InterruptSyncObject(source: pipe.line, mode: .normal)
    try object.registerServiceRoutine { .success }
    try object.connect()
    pipe.closeWriter()
    try eventually("the end of the line") { object.state == .ended }
    let lines = [try SoftwareLine(name: "a"), try SoftwareLine(name: "b")]
    let arrived = Counter()
    let outcomes = (0..<2).map { _ in Holder<InterruptSyncError>() }
    let threads = (0..<2).map { index in
      Worker {
        arrived.add()
        while arrived.value < 2 {}
        outcomes[index].value = failure { try object.connect(to: lines[index]) }
      }
    }
    for thread in threads { try thread.join() }
    let refused = outcomes.compactMap(\.value)
    try #require(refused.map(\.code) == [.alreadyConnected])
    let winner = try #require(outcomes.firstIndex { $0.value == nil })
    lines[winner].trigger()
    try object.awaitDispatches(1)
    #expect(object.state == .connected)
    try object.disconnect()
  }
}
