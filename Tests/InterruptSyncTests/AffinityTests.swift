// Processors that were asked for and lost: put back, and reported once for each loss.
import CUIO
import Glibc
import LinuxSystem
import Synchronization
import TestSupport
import Testing

@testable import InterruptSync

/// An affinity whose system is the test.
private final class FakePlace: AffinityPlace {
  let subject = RestoredAffinity.Subject.interrupt(17)
  let hint = "ask for it"
  private let monitor = Monitor()
  private nonisolated(unsafe) var processors: Set<Int>
  private nonisolated(unsafe) var refusal: Int32 = 0
  private nonisolated(unsafe) var allowed: Set<Int> = [0, 1]

  init(_ processors: Set<Int>) { self.processors = processors }

  func current() -> Set<Int>? { monitor.locked { processors } }
  func set(_ new: Set<Int>) -> Int32 {
    monitor.locked {
      if refusal == 0 { processors = new.intersection(allowed) }
      return -refusal
    }
  }

  func move(to new: Set<Int>) { monitor.locked { processors = new } }
  func refuse(_ number: Int32) { monitor.locked { refusal = number } }
  func allow(_ new: Set<Int>) { monitor.locked { allowed = new } }
}

/// A machine with processors 0 and 1.
private struct Kept {
  let place: FakePlace
  let log = ReportLog()
  let folder: TemporaryFolder
  let affinity: KeptAffinity

  init(asked: Set<Int>, isRefused: Bool = false) throws {
    place = FakePlace(isRefused ? [0] : asked)
    folder = try TemporaryFolder()
    try folder.write("devices/system/cpu/online", "0-1\n")
    affinity = KeptAffinity(
      place, of: "line", asked: asked, isRefused: isRefused, sysfs: Sysfs(root: folder.path),
      report: log.handler)
  }

  func online(_ text: String) throws { try folder.write("devices/system/cpu/online", text + "\n") }
}

@Test func anAffinityThatAnotherProgramMovesIsPutBackAndReportedOnce() throws {
  let kept = try Kept(asked: [1])
  #expect(!kept.affinity.look(now: 0))
  kept.place.move(to: [0])
  #expect(kept.affinity.look(now: 1))
  #expect(kept.place.current() == [1])
  #expect(!kept.affinity.look(now: 2))
  #expect(kept.log.kinds == ["affinityRestored"])
  #expect(
    kept.log.all.first?.description
      == "interrupt 17 is on processors 1 again; it had been moved to 0")
}

@Test func anAffinityWhoseProcessorIsOfflineIsReportedOnceAndRestoredWhenItIsBack() throws {
  let kept = try Kept(asked: [1])
  // The kernel widens what has no processor left, and refuses one that is offline.
  kept.place.move(to: [0])
  kept.place.refuse(EINVAL)
  try kept.online("0")
  for second in 0..<5 { _ = kept.affinity.look(now: UInt64(second)) }
  #expect(kept.log.kinds == ["affinityLost"])
  let error = kept.log.all.first?.error
  #expect(error?.operation == "keep interrupt 17 on processors 1")
  #expect(error?.cause == "no processor of these is online; it is on 0 meanwhile")
  #expect(error?.hint.contains("cpu1/online") == true)
  kept.place.refuse(0)
  try kept.online("0-1")
  for second in 5..<9 { _ = kept.affinity.look(now: UInt64(second)) }
  #expect(kept.place.current() == [1])
  #expect(kept.log.kinds == ["affinityLost", "affinityRestored"])
}

@Test func anAffinityThatTheSystemRefusesToPutBackSaysWhatToDo() throws {
  let kept = try Kept(asked: [1])
  kept.place.move(to: [0])
  kept.place.refuse(EACCES)
  #expect(kept.affinity.look(now: 0))
  #expect(kept.log.all.first?.error?.hint == "ask for it")
  #expect(kept.log.all.first?.error?.errorNumber == EACCES)
}

@Test func anAffinityThatWasRefusedAtFirstIsNotReportedAgainAndTakenWhenItCanBe() throws {
  let kept = try Kept(asked: [1], isRefused: true)
  kept.place.refuse(EPERM)
  #expect(!kept.affinity.look(now: 0))
  #expect(kept.log.kinds == [])
  kept.place.refuse(0)
  #expect(kept.affinity.look(now: 1))
  #expect(kept.log.kinds == ["affinityRestored"])
}

@Test func someOfTheProcessorsBeingOfflineIsNoLoss() throws {
  let kept = try Kept(asked: [0, 1])
  kept.place.allow([0])
  kept.place.move(to: [0])
  #expect(!kept.affinity.look(now: 0))
  kept.place.allow([0, 1])
  kept.place.move(to: [0, 1])
  #expect(!kept.affinity.look(now: 1))
  #expect(kept.log.kinds == [])
  // A thread that is not moved back on its own is.
  kept.place.move(to: [0])
  #expect(kept.affinity.look(now: 2))
  #expect(kept.log.kinds == ["affinityRestored"])
}

@Test func aProgramThatMovesAnAffinityAgainAndAgainFillsNoLog() throws {
  let kept = try Kept(asked: [1])
  let second: UInt64 = 1_000_000_000
  for time in 0..<50 {
    kept.place.move(to: [0])
    #expect(kept.affinity.look(now: UInt64(time) * second))
    #expect(kept.place.current() == [1])
  }
  #expect(kept.log.kinds.count == 4)
  kept.place.move(to: [0])
  _ = kept.affinity.look(now: 61 * second)
  #expect(kept.log.all.last?.description.contains("47 times since the last report") == true)
}

@Test func whatHasGoneIsLeftAlone() throws {
  let kept = try Kept(asked: [1])
  kept.place.move(to: [0])
  kept.affinity.end()
  #expect(!kept.affinity.look(now: 0))
  #expect(kept.place.current() == [0] && kept.log.kinds == [])
}

@Test func anInterruptIsPutBackThroughItsFile() throws {
  let folder = try TemporaryFolder()
  try folder.write("irq/17/smp_affinity_list", "0\n")
  let log = ReportLog()
  let kept = ThreadPlacement.route(
    DispatcherAttributes(interruptProcessors: [1]), try NumberedLine(), named: "line",
    procfs: Procfs(root: folder.path), report: nil, later: log.handler)
  #expect(try folder.bytes("irq/17/smp_affinity_list") == Array("1\n".utf8))
  try folder.write("irq/17/smp_affinity_list", "0\n")
  #expect(try #require(kept).look(now: 0))
  #expect(try folder.bytes("irq/17/smp_affinity_list") == Array("1\n".utf8))
  #expect(log.kinds == ["affinityRestored"])
}

/// Processors that this process may use.
private func usable() -> Set<Int> {
  let thread = try? WorkerThread(name: "usable") {}
  defer { thread?.join() }
  return thread?.processors() ?? []
}

private func widen() {
  var every = [UInt64](repeating: .max, count: 16)
  _ = linux_thread_set_affinity(pthread_self(), &every, every.count)
}

private func processors() -> [UInt64] {
  var words = [UInt64](repeating: 0, count: 16)
  _ = linux_thread_get_affinity(pthread_self(), &words, words.count)
  return words
}

@Test(arguments: Served.allCases)
func aDispatchersThreadGetsItsProcessorsBackAndItsLineIsTold(served: Served) throws {
  let all = usable()
  try #require(all.count > 1, "a loss needs a second processor")
  let asked: Set<Int> = [try #require(all.max())]
  let attributes = DispatcherAttributes(processors: asked, name: "kept")
  let log = ReportLog()
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(
      dispatcher: attributes,
      group: served == .byAGroup ? try DispatcherGroup(attributes: attributes) : nil,
      report: log.handler))
  let seen = Journal<[UInt64]>()
  try object.registerServiceRoutine {
    seen.entries.append(processors())
    widen()
    return .success
  }
  try object.connect()
  for count in 1...2 {
    line.trigger()
    try object.awaitDispatches(UInt64(count))
    // Another test may be looking.
    try eventually("the thread's processors") {
      DispatcherAttributes.restoreAffinities()
      return log.kinds.count == count
    }
  }
  DispatcherAttributes.restoreAffinities()
  try object.disconnect()
  #expect(log.kinds == ["affinityRestored", "affinityRestored"])
  guard case .affinityRestored(let what) = log.all[0] else { return }
  #expect(what.subject == .thread("kept") && what.asked == asked && what.before == all)
  #expect(seen.entries.count == 2 && seen.entries[0] == seen.entries[1])
  #expect(seen.entries[0].reduce(0) { $0 + $1.nonzeroBitCount } == 1)
}

/// What a thread sees of its own processors, each time it is asked.
private final class Look: Sendable {
  private let count = Counter()
  private let done = Counter()

  /// With `widening` it gives them up afterwards, as the kernel does for a thread without any.
  func run(widening: Bool) {
    count.set(processors().reduce(0) { $0 + $1.nonzeroBitCount })
    if widening { widen() }
    done.add()
  }

  /// How many there are, as the thread sees it when `ask` has had it run.
  func after(_ ask: () -> Void) throws -> Int {
    let before = done.value
    ask()
    try eventually("the thread") { done.value > before }
    return count.value
  }
}

@Test func aDeferredQueueAndTheThreadOfAnExecutorGetTheirProcessorsBack() throws {
  let all = usable()
  try #require(all.count > 1, "a loss needs a second processor")
  let attributes = DispatcherAttributes(processors: [try #require(all.max())])
  let look = Look()
  let queue = try DeferredQueue(attributes: attributes)
  let isWidening = Flag()
  let routine = DeferredRoutine(on: queue) { look.run(widening: isWidening.isUp) }
  let worker = AsyncWorker(name: "kept", attributes: attributes)
  try worker.start()
  let asked: [@Sendable (Bool) -> Void] = [
    { widening in
      widening ? isWidening.raise() : isWidening.lower()
      routine.enqueue()
    }, { widening in worker.enqueue { look.run(widening: widening) } },
  ]
  for ask in asked {
    #expect(try look.after { ask(true) } == 1)
    // Another test may have put it back by now.
    try eventually("its processor") {
      DispatcherAttributes.restoreAffinities()
      return (try? look.after { ask(false) }) == 1
    }
  }
}
