import CFloor
import CUIO
import Glibc
import InterruptSync

/// What one interrupt costs on a group of a thousand lines, against a group of one.
@safe final class GroupBenchmark {
  private static let rounds = 11
  private static let window: useconds_t = 60_000

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
  }

  static func run(machine: Machine) throws -> [Measurement] {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.driver)))
    let one = try GroupBenchmark(lines: 1, .own, machine)
    return [
      try measure("1,000 lines on one group, all firing, against 1 line", .own, one, 1.3, machine),
      try measure(
        "1,000 lines on one group, one at a time, against 1 line", .next, one, nil, machine),
    ]
  }

  private static func measure(
    _ name: String, _ firing: Firing, _ one: GroupBenchmark, _ bar: Double?, _ machine: Machine
  ) throws -> Measurement {
    let many = try GroupBenchmark(lines: 1_000, firing, machine)
    var results: ([Double], [Double]) = ([], [])
    for round in 0..<rounds {
      if round % 2 == 0 { results.0.append(many.pace()) }
      results.1.append(one.pace())
      if round % 2 != 0 { results.0.append(many.pace()) }
    }
    return Measurement(name, ours: results.0, peer: results.1, unit: "ns/interrupt", bar: bar)
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
          fd: lines[firing == .own ? index : (index + 1) % count],
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
    usleep(2000)
    let start = (dispatches, probe_now())
    usleep(Self.window)
    let end = (dispatches, probe_now())
    unsafe isRunning.pointee = 0
    usleep(2000)
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }
}
