import CFloor
import CUIO
import Glibc
import InterruptSync

/// What one interrupt costs on a group of a thousand lines, against a group of one.
@safe final class GroupBenchmark {
  private static let lines = 1_000
  private static let rounds = Rounds(count: 15, turns: 3)
  private static let window: useconds_t = 20_000

  private let objects: [InterruptSyncObject]
  private let lines: [Int32]
  private let links: UnsafeMutablePointer<floor_link>
  private let firing: Firing
  private let isRunning: UnsafeMutablePointer<UInt32>

  /// Whose interrupt a routine raises.
  private enum Firing {
    /// Its own line's: all lines fire as fast as they are served.
    case own
    /// The next line's: one line fires at a time, and all memory it needs has grown cold.
    case next
    /// Its own line's, but the first line alone is raised to begin with: the others never fire.
    case first
  }

  static func run(machine: Machine) throws -> [Measurement] {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.driver)))
    let one = try GroupBenchmark(lines: 1, .own, machine)
    return [
      try measure("all firing", .own, one, 1.3, machine),
      try measure("one at a time", .next, one, 1.6, machine),
      try chain(machine),
      try measure("of which one fires", .first, one, 1.05, machine),
    ]
  }

  private static func measure(
    _ name: String, _ firing: Firing, _ one: GroupBenchmark, _ bar: Double?, _ machine: Machine
  ) throws -> Measurement {
    let many = try GroupBenchmark(lines: lines, firing, machine)
    return rounds.compare(
      "1,000 lines on one group, \(name), against 1 line", unit: "ns/interrupt", bar: bar,
      ours: many.pace, against: one.pace)
  }

  /// What the kernel's own memory of so many lines costs, and one word of the program's for each.
  private static func chain(_ machine: Machine) throws -> Measurement {
    guard let many = unsafe floor_chain_open(Int32(lines)), let one = unsafe floor_chain_open(1)
    else { throw BenchmarkFailure("cannot create descriptors for \(lines) lines") }
    defer {
      unsafe floor_chain_close(many)
      unsafe floor_chain_close(one)
    }
    func pace(_ chain: OpaquePointer) -> Double {
      FloorJob(processor: machine.processor) {
        unsafe floor_chain_run(chain, UInt64(window) * 1_000)
      }.run()
    }
    return rounds.compare(
      "1,000 lines in the least loop in C, one at a time, against 1 line", unit: "ns/interrupt"
    ) {
      unsafe pace(many)
    } against: {
      unsafe pace(one)
    }
  }

  private init(lines count: Int, _ firing: Firing, _ machine: Machine) throws {
    let group = try DispatcherGroup(
      attributes: DispatcherAttributes(processors: [machine.processor], waiting: .block))
    self.firing = firing
    unsafe links = .allocate(capacity: count)
    unsafe isRunning = .allocate(capacity: 1)
    unsafe isRunning.initialize(to: 0)
    lines = (0..<count).map { _ in linux_event_create() }
    guard lines.allSatisfy({ $0 >= 0 }) else {
      throw BenchmarkFailure("cannot create descriptors for \(count) lines; raise ulimit -n")
    }
    for index in 0..<count {
      unsafe (links + index).initialize(
        to: floor_link(
          fd: lines[firing == .next ? (index + 1) % count : index],
          running: UnsafePointer(isRunning)))
    }
    var objects: [InterruptSyncObject] = []
    for index in 0..<count {
      let object = InterruptSyncObject(
        source: try FileDescriptorLine(lines[index], format: .eventCounter), mode: .normal,
        options: InterruptSyncOptions(group: group))
      unsafe try object.registerServiceRoutine(floor_pass_on, context: links + index)
      try object.connect()
      objects.append(object)
    }
    self.objects = objects
  }

  deinit {
    for object in objects { try? object.disconnect() }
    for line in lines { close(line) }
    unsafe links.deallocate()
    unsafe isRunning.deallocate()
  }

  private var dispatches: UInt64 { objects.reduce(0) { $0 &+ $1.dispatchCount } }

  /// Nanoseconds an interrupt.
  private func pace() -> Double {
    unsafe cuio_flag_raise(isRunning)
    for line in firing == .own ? lines[...] : lines[..<1] { _ = linux_event_signal(line, 1) }
    defer {
      unsafe cuio_flag_lower(isRunning)
      usleep(2000)
    }
    return Rounds.pace(Self.window) { dispatches }
  }
}
