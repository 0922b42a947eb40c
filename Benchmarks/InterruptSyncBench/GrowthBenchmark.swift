import CFloor
import Glibc
import InterruptSync
import LinuxSystem

/// What those cost that do nothing: observers that do not read, objects that no thread calls, clients
/// that do not ask. A thousand against one. Lines that do not fire are `GroupBenchmark`'s.
struct GrowthBenchmark {
  let machine: Machine
  /// interruptsyncd, if it is measured.
  let daemon: String?

  private static let many = 1_000
  private static let window: useconds_t = 4_000
  private static let calls: UInt64 = 5_000

  func run() throws -> ([Measurement], [String]) {
    floor_pin(Int32(machine.driver))
    let rows = [try observers(), try objects()]
    floor_unpin()
    guard let daemon else { return (rows, []) }
    guard geteuid() == 0 else {
      return (rows, ["A thousand clients are of many users, for root: their figure is missing"])
    }
    return (rows + [try clients(of: daemon)], [])
  }

  /// A ring each; the dispatcher's processor time for an interrupt.
  private func observers() throws -> Measurement {
    let (one, many) = (try Observed(1, machine), try Observed(Self.many, machine))
    // Whether the observers' thread sleeps and has to be woken changes from one run to the next.
    return try Rounds(count: 15, turns: 24).compare(
      "dispatch with 1,000 observers that do not read, against 1", unit: "ns/interrupt", bar: 1.1
    ) {
      try many.pace(Self.window)
    } against: {
      try one.pace(Self.window)
    }
  }

  /// Of the object that is called, and of those that are not, all are connected to a group.
  private func objects() throws -> Measurement {
    let group = try DispatcherGroup(attributes: DispatcherAttributes(waiting: .block))
    func object() throws -> InterruptSyncObject {
      let made = InterruptSyncObject(
        source: try SoftwareLine(), mode: .normal, options: InterruptSyncOptions(group: group))
      try made.registerServiceRoutine { .success }
      try made.connect()
      return made
    }
    let called = try object()
    var count: UInt64 = 0
    func each() -> Double {
      Rounds.each(Self.calls) {
        for _ in 0..<$0 { _ = unsafe called.callSynchronizedRoutine(floor_count, context: &count) }
      }
    }
    var (own, others): ([Double], [Double]) = ([], [])
    for _ in 0..<Rounds().count {
      others.append((0..<40).map { _ in each() }.min() ?? 0)
      let idle = try (1..<Self.many).map { _ in try object() }
      own.append((0..<40).map { _ in each() }.min() ?? 0)
      for one in idle { try one.disconnect() }
    }
    try called.disconnect()
    return Measurement(
      "synchronized call, 1,000 objects of which one is called, against 1", ours: own,
      peer: others, unit: "ns/call", bar: 1.05)
  }

  /// At most 60 of a user.
  private func clients(of program: String) throws -> Measurement {
    let daemon = try DaemonProcess(program: program, lines: 1)
    let call =
      #"{"method":"io.interruptsync.Transact","parameters":{"device":"line0","operations":[]}}"#
    func roundTrip() throws -> Double {
      try Rounds.each(500) { for _ in 0..<$0 { try daemon.call(call) } } / 1000
    }
    unsafe chmod(daemon.address, 0o666)
    let rounds = Rounds()
    var (own, others): ([Double], [Double]) = ([], [])
    for _ in 0..<rounds.count {
      others.append(try (0..<rounds.turns).map { _ in try roundTrip() }.min() ?? 0)
      let idle = try (1..<Self.many).map { index in
        let fd = unsafe daemon_connect_as(daemon.address, UInt32(10_000 + index / 60))
        guard fd >= 0 else { throw BenchmarkFailure("client \(index) cannot connect: \(-fd)") }
        return FileDescriptor(adopting: fd)
      }
      own.append(try (0..<rounds.turns).map { _ in try roundTrip() }.min() ?? 0)
      withExtendedLifetime(idle) {}
    }
    return Measurement(
      "daemon: transaction with 1,000 clients of which one asks, against 1", ours: own,
      peer: others, unit: "µs", bar: 1.1)
  }
}

/// A line that never rests, with observers of its dispatches.
@safe private final class Observed {
  private let object: InterruptSyncObject
  private let rings: [SharedRing]
  private let ends: [SharedRing.Ends]
  private let counted: UnsafeMutablePointer<floor_counted>

  init(_ observers: Int, _ machine: Machine) throws {
    object = InterruptSyncObject(
      source: SelfFiringLine(), mode: .normal,
      options: InterruptSyncOptions(
        dispatcher: DispatcherAttributes(processors: [machine.processor])))
    unsafe counted = .allocate(capacity: 1)
    unsafe counted.initialize(to: floor_counted())
    unsafe try object.registerServiceRoutine(floor_count_on, context: counted)
    let made = try (0..<observers).map { [object] _ in
      try SharedRing.make(of: object, capacity: 16)
    }
    rings = made.map(\.0)
    ends = made.map(\.1)
  }

  deinit { unsafe counted.deallocate() }

  /// Of the dispatcher's processor time alone: the observers' thread has its own.
  func pace(_ window: useconds_t) throws -> Double {
    unsafe counted.initialize(to: floor_counted())
    try object.connect()
    defer { try? object.disconnect() }
    return Rounds.pace(
      window, time: { unsafe floor_counted_time(counted) }, served: { object.dispatchCount })
  }
}
