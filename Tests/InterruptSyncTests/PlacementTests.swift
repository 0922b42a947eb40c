// What is asked for beside the thread itself; each refusal is explained once and done without.
import CUIO
import Foundation
import Glibc
import Testing
import UIO

@testable import InterruptSync

private func object(_ attributes: DispatcherAttributes, _ log: ReportLog) throws
  -> (line: SoftwareLine, object: InterruptSyncObject)
{
  let line = try SoftwareLine()
  let object = InterruptSyncObject(
    source: line, mode: .normal,
    options: InterruptSyncOptions(dispatcher: attributes, report: log.handler))
  try object.registerServiceRoutine { .success }
  return (line, object)
}

@Test func anInterruptThatHasNoNumberCannotBeRouted() throws {
  let log = ReportLog()
  let (line, object) = try object(DispatcherAttributes(interruptProcessors: [0]), log)
  try object.connect()
  line.trigger()
  try object.awaitDispatches(1)
  try object.disconnect()
  #expect(log.kinds == ["attributeRefused"])
  #expect(log.all.first?.description.contains("interrupt number is unknown") == true)
}

@Test func aRefusedRouteNamesItsFile() throws {
  let numbered = try NumberedLine()
  let log = ReportLog()
  _ = ThreadPlacement.route(
    DispatcherAttributes(interruptProcessors: [1, 0]), numbered, named: "line",
    procfs: Procfs(root: "/nonexistent"), report: log.handler)
  #expect(log.kinds == ["attributeRefused"])
  #expect(log.all.first?.error?.operation == "route the interrupt to processors 0,1")
  #expect(log.all.first?.error?.errorNumber == ENOENT)
  #expect(log.all.first?.error?.hint.contains("/proc/irq/17/smp_affinity_list") == true)
  // Nobody asked: nothing is looked for.
  _ = ThreadPlacement.route(
    DispatcherAttributes(), numbered, named: "line", procfs: Procfs(root: "/nonexistent"),
    report: log.handler)
  #expect(log.kinds.count == 1)
}

@Test func theLatencyLimitIsHeldInTheKernelsFile() throws {
  let path = "/tmp/latency-\(UUID().uuidString)"
  #expect(FileManager.default.createFile(atPath: path, contents: nil))
  defer { try? FileManager.default.removeItem(atPath: path) }
  let log = ReportLog()
  let held = ThreadPlacement.prepare(
    DispatcherAttributes(latencyLimit: .microseconds(258)), named: "line", latencyPath: path,
    report: log.handler)
  #expect(held != nil && log.kinds == [])
  // A 32-bit number in native order, as the kernel's PM QoS interface has it.
  var limit: Int32 = 258
  #expect(FileManager.default.contents(atPath: path) == Data(bytes: &limit, count: 4))
}

@Test func aRefusedLatencyLimitIsReported() throws {
  let log = ReportLog()
  let held = ThreadPlacement.prepare(
    DispatcherAttributes(latencyLimit: .zero), named: "line", latencyPath: "/nonexistent",
    report: log.handler)
  #expect(held == nil)
  #expect(log.kinds == ["attributeRefused"])
  #expect(log.all.first?.error?.operation == "limit the processors' latency to 0 µs")
}

@Test func aLatencyLimitThatTheKernelRefusesHasItsErrorNumber() throws {
  let log = ReportLog()
  // Opens, and takes nothing.
  let held = ThreadPlacement.prepare(
    DispatcherAttributes(latencyLimit: .zero), named: "line", latencyPath: "/dev/full",
    report: log.handler)
  #expect(held == nil)
  #expect(log.all.first?.error?.errno == Errno(rawValue: ENOSPC))
}

@Test func nothingIsPreparedUnasked() throws {
  let log = ReportLog()
  let held = ThreadPlacement.prepare(
    DispatcherAttributes(), named: "line", latencyPath: "/nonexistent", report: log.handler)
  #expect(held == nil && log.kinds == [])
}

@Test func fact53_aSpinThatWouldKeepItsInterruptOutIsRefusedOnce() throws {
  let log = ReportLog()
  let conditions = WaitConditions(
    processors: 2, priority: 60, kernel: KernelVersion(6, 12), forcesThreads: false,
    isHardware: true, interruptThreadPriority: 55)
  ThreadPlacement.refusedSpin(conditions, named: "line", report: log.handler)
  #expect(log.kinds == ["attributeRefused"])
  let text = log.all.first?.description ?? ""
  #expect(text.contains("priority 60") && text.contains("below 55") && text.contains("fact 53"))
}

@Test func theConditionsAreThoseOfTheThread() throws {
  let line = try SoftwareLine()
  let mine = WaitConditions.current(pthread_self(), line)
  #expect(mine.processors >= 1 && mine.processors <= sysconf(Int32(_SC_NPROCESSORS_CONF)))
  #expect(mine.priority == 0 && !mine.isHardware)
  #expect(mine.kernel == .running)
}

/// A line of hardware, as far as its interrupt's number goes.
final class NumberedLine: InterruptSource {
  let name = "numbered"
  let interruptNumber: Int? = 17
  private let line: SoftwareLine

  init() throws { line = try SoftwareLine() }

  func attach() throws(InterruptSyncError) -> InterruptLine { try line.attach() }
  func detach() { line.detach() }
  func failure(_ operation: InterruptLineOperation, errno: Int32) -> InterruptSyncError {
    line.failure(operation, errno: errno)
  }
}

/// Policy and processors of the calling thread.
private struct Placement: Equatable {
  var policy: Int32 = -1
  var processors = [UInt64](repeating: 0, count: 16)

  static var current: Placement {
    var placement = Placement()
    var priority: Int32 = 0
    _ = linux_thread_get_policy(pthread_self(), &placement.policy, &priority)
    _ = linux_thread_get_affinity(pthread_self(), &placement.processors, 16)
    return placement
  }
}

/// Each kind of thread that runs a user's code, made by a real-time thread on one processor (where
/// the system lets a test have the priority).
private func placements(_ seen: Journal<Placement>, _ ordinary: Journal<Placement>) {
  var every = [UInt64](repeating: .max, count: 16)
  _ = linux_thread_set_affinity(pthread_self(), &every, 16)
  ordinary.entries = [Placement.current]
  var one = [UInt64](repeating: 0, count: 16)
  for (word, value) in Placement.current.processors.enumerated() where value != 0 {
    one[word] = value & (~value &+ 1)
    break
  }
  _ = linux_thread_set_affinity(pthread_self(), &one, 16)
  _ = linux_thread_set_policy(pthread_self(), SCHED_FIFO, 80)
  let look: @Sendable () -> NTStatus = {
    seen.entries.append(Placement.current)
    return .success
  }
  for group in [nil, try? DispatcherGroup()] {
    guard let line = try? SoftwareLine() else { return }
    let object = InterruptSyncObject(
      source: line, mode: .normal, options: InterruptSyncOptions(group: group))
    _ = try? object.registerServiceRoutine(look)
    _ = try? object.connect()
    line.trigger()
    try? object.awaitDispatches(1)
    try? object.disconnect()
  }
  guard let queue = try? DeferredQueue() else { return }
  let routine = DeferredRoutine(on: queue) { _ = look() }
  routine.enqueue()
  try? queue.flush()
}

@Test func noThreadTakesThePolicyOrTheProcessorsOfTheThreadThatMadeIt() throws {
  let (seen, ordinary) = (Journal<Placement>(), Journal<Placement>())
  try Worker { placements(seen, ordinary) }.join()
  #expect(seen.entries.count == 3)
  let expected = try #require(ordinary.entries.first)
  #expect(expected.policy == SCHED_OTHER)
  #expect(seen.entries.allSatisfy { $0 == expected }, "\(seen.entries)")
}
