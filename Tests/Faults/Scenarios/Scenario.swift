// What the library does in a case: makes objects, dispatches, and takes everything down again. An error that the
// library throws or reports is an outcome; a wait that does not end is none.
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization

/// One life of some objects. It must leave nothing behind, whatever it throws.
struct Scenario: Sendable {
  let name: String
  let run: @Sendable () throws -> Void

  static let all = [
    Scenario(name: "own-thread", run: ownThread), Scenario(name: "group", run: group),
    Scenario(name: "descriptors", run: descriptors), Scenario(name: "ring", run: ring),
    Scenario(name: "deferred", run: deferred), Scenario(name: "shared-line", run: sharedLine),
    Scenario(name: "contention", run: contention),
  ]

  /// Mistakes, each of which the tests must find.
  static let planted = [
    // What was made before the failure stays.
    Scenario(name: "planted-leak") {
      let first = linux_event_create()
      let second = linux_event_create()
      guard second >= 0 else { throw SystemError(-second, "make an eventfd") }
      close(first)
      close(second)
    },
    // The cause is not named.
    Scenario(name: "planted-silence") {
      let event = linux_event_create()
      guard event >= 0 else { throw SystemError(EINVAL, "make an eventfd") }
      close(event)
    },
    // Nothing works after the first failure.
    Scenario(name: "planted-end") {
      let event = linux_event_create()
      if event < 0 { hasFailed.store(true, ordering: .relaxed) }
      close(event)
      if hasFailed.load(ordering: .relaxed) { throw SystemError(EMFILE, "make an eventfd") }
    },
    Scenario(name: "planted-crash") {
      let event = linux_event_create()
      if event < 0 { abort() }
      close(event)
    },
  ]

  private static let hasFailed = Atomic<Bool>(false)

  // MARK: The scenarios

  @Sendable private static func ownThread() throws {
    let placed = DispatcherAttributes(policy: .fifo(1), processors: [0], name: "placed")
    try serve(try SoftwareLine(), InterruptSyncOptions(dispatcher: placed))
  }

  @Sendable private static func group() throws {
    let group = try DispatcherGroup()
    let first = try SoftwareLine(name: "first")
    let second = try SoftwareLine(name: "second")
    let objects = try [first, second].map { try connected($0, InterruptSyncOptions(group: group)) }
    for (object, line) in zip(objects, [first, second]) { try object.serve(line.trigger) }
    for object in objects { try object.object.disconnect() }
  }

  @Sendable private static func descriptors() throws {
    let (own, other) = try FileDescriptor.wakePair()
    let unmask = try event()
    let counter = try event()
    let totals = try FileDescriptorLine(other.raw, format: .totals, name: "totals")
    let masked = try FileDescriptorLine(
      counter.raw, format: .eventCounter, name: "masked", masking: .eventfd(unmask: unmask.raw))
    var total: UInt32 = 0
    for (line, fire) in [
      (
        totals,
        {
          total += 1; _ = send(own.raw, &total, 4, Int32(MSG_DONTWAIT))
        }
      ),
      (masked, { _ = linux_event_signal(counter.raw, 1) }),
    ] {
      let object = try connected(line, .init())
      try object.serve { fire() }
      try object.object.disconnect()
    }
  }

  @Sendable private static func ring() throws {
    let line = try SoftwareLine()
    let served = try connected(line, .init())
    let (ring, ends) = try SharedRing.make(of: served.object, capacity: 16)
    try served.serve(line.trigger)
    withExtendedLifetime((ring, ends)) {}
    try served.object.disconnect()
  }

  @Sendable private static func deferred() throws {
    let queue = try DeferredQueue()
    let calls = Served()
    let routine = DeferredRoutine(on: queue) { calls.add() }
    let line = try SoftwareLine()
    let object = InterruptSyncObject(source: line, mode: .normal, options: calls.options(.init()))
    try object.registerServiceRoutine {
      routine.enqueue()
      return .success
    }
    try object.connect()
    try Connected(object: object, served: calls).serve(line.trigger)
    try queue.flush()
    try object.disconnect()
  }

  @Sendable private static func sharedLine() throws {
    let line = try SoftwareLine()
    let shared = SharedLine(line)
    let served = Served()
    let members = try (0..<2).map { _ in
      let member = InterruptSyncObject(
        source: try SoftwareLine(), mode: .normal, options: served.options(.init()))
      try member.registerServiceRoutine {
        served.add()
        return .success
      }
      return member
    }
    for member in members { try shared.connect(member) }
    line.trigger()
    // Without a report of their own: the line's errors are those of `connect`.
    for member in members { try shared.disconnect(member) }
  }

  /// A call that sleeps until the interrupt lock is released.
  @Sendable private static func contention() throws {
    let line = try SoftwareLine()
    let served = Served()
    let entered = Atomic<Bool>(false)
    let isWaited = Atomic<Bool>(false)
    let object = InterruptSyncObject(source: line, mode: .normal, options: served.options(.init()))
    try object.registerServiceRoutine {
      entered.store(true, ordering: .releasing)
      var turns = 0
      while !isWaited.load(ordering: .acquiring), turns < 2000 {
        usleep(100)
        turns += 1
      }
      served.add()
      return .success
    }
    try object.connect()
    line.trigger()
    try Served.wait("the routine") { entered.load(ordering: .acquiring) || object.state == .ended }
    let caller = try WorkerThread(name: "caller") {
      // Refused is an answer, too.
      try? object.callSynchronizedRoutine {}
    }
    try Served.wait("a thread that sleeps on the lock") {
      object.state == .ended || !entered.load(ordering: .acquiring) || hasWaiters(object.lock)
        || served.count > 0
    }
    isWaited.store(true, ordering: .releasing)
    caller.join()
    try object.disconnect()
    if let error = served.error { throw error }
  }

  // MARK: Their parts

  private static func hasWaiters(_ lock: InterruptLock) -> Bool {
    UnsafeMutableRawPointer(lock.raw).assumingMemoryBound(to: Atomic<UInt32>.self).pointee
      .load(ordering: .relaxed) & 0x8000_0000 != 0
  }

  private static func serve(_ line: SoftwareLine, _ options: InterruptSyncOptions) throws {
    let served = try connected(line, options)
    try served.serve(line.trigger)
    try served.object.disconnect()
  }

  private static func connected(
    _ line: any InterruptSource, _ options: InterruptSyncOptions
  ) throws -> Connected {
    let served = Served()
    let object = InterruptSyncObject(
      source: line, mode: .normal, options: served.options(options))
    try object.registerServiceRoutine {
      served.add()
      return .success
    }
    try object.connect()
    return Connected(object: object, served: served)
  }

  private static func event() throws -> FileDescriptor {
    let raw = linux_event_create()
    guard raw >= 0 else { throw SystemError(-raw, "make an eventfd") }
    return FileDescriptor(adopting: raw)
  }
}

/// An object with a line that is served.
struct Connected {
  let object: InterruptSyncObject
  let served: Served

  /// Fires until a routine has run, or the line has ended with an error.
  func serve(_ fire: (UInt64) -> Void) throws { try serve { fire(1) } }

  func serve(_ fire: () -> Void) throws {
    let before = served.count
    // The scenario's own trigger may be the call that fails: it fires again.
    try Served.wait("a dispatch", each: fire) { served.count > before || served.error != nil }
    if let error = served.error {
      try object.disconnect()
      throw error
    }
  }
}

/// What came of a line: dispatches, or an error.
final class Served: Sendable {
  private let monitor = Monitor()
  private let calls = Atomic<Int>(0)
  private let failure = Failure()

  private final class Failure: @unchecked Sendable { var error: InterruptSyncError? }

  func add() { calls.add(1, ordering: .releasing) }
  var count: Int { calls.load(ordering: .acquiring) }
  var error: InterruptSyncError? { monitor.locked { failure.error } }

  func options(_ options: InterruptSyncOptions) -> InterruptSyncOptions {
    var options = options
    options.report = { [monitor, failure] report in
      switch report {
      case .removed(let error), .failed(let error): monitor.locked { failure.error = error }
      default: break
      }
    }
    return options
  }

  struct Hung: Error, CustomStringConvertible { let description: String }

  /// Polls; a time of the test's, so that a hang is an outcome that fails.
  static func wait(
    _ what: String, each: () -> Void = {}, _ condition: () -> Bool
  ) throws {
    var turns = 0
    while !condition() {
      if turns % 100 == 0 { each() }
      guard turns < 50_000 else { throw Hung(description: "did not come: \(what)") }
      turns += 1
      usleep(200)
    }
  }
}
