import CFloor
import CUIO
import Glibc
import InterruptSync

/// What one interrupt costs on a group of a thousand lines, against a group of one: each routine
/// raises the next line's interrupt.
@safe final class GroupBenchmark {
  private static let rounds = 11
  private static let window: useconds_t = 60_000

  private let objects: [InterruptSyncObject]
  private let lines: [Int32]
  private let links: UnsafeMutablePointer<floor_link>
  private let isRunning: UnsafeMutablePointer<UInt32>

  static func run(machine: Machine) throws -> Measurement {
    _ = placement_apply(placement(priority: 0, processor: Int32(machine.driver)))
    let many = try GroupBenchmark(lines: 1_000, machine)
    let one = try GroupBenchmark(lines: 1, machine)
    var results: ([Double], [Double]) = ([], [])
    for round in 0..<rounds {
      if round % 2 == 0 { results.0.append(many.pace()) }
      results.1.append(one.pace())
      if round % 2 != 0 { results.0.append(many.pace()) }
    }
    return Measurement(
      "1,000 lines on one group, against 1 line", ours: results.0, peer: results.1,
      unit: "ns/interrupt", bar: 1.3)
  }

  private init(lines count: Int, _ machine: Machine) throws {
    let group = try DispatcherGroup(
      attributes: DispatcherAttributes(processors: [machine.processor], waiting: .block))
    unsafe links = .allocate(capacity: count)
    unsafe isRunning = .allocate(capacity: 1)
    unsafe isRunning.initialize(to: 0)
    lines = (0..<count).map { _ in cuio_event_create() }
    guard lines.allSatisfy({ $0 >= 0 }) else {
      throw BenchmarkFailure("no descriptors to be had for \(count) lines; raise ulimit -n")
    }
    for index in 0..<count {
      unsafe (links + index).initialize(
        to: floor_link(fd: lines[(index + 1) % count], running: UnsafePointer(isRunning)))
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
    _ = cuio_event_signal(lines[0], 1)
    usleep(2000)
    let start = (dispatches, probe_now())
    usleep(Self.window)
    let end = (dispatches, probe_now())
    unsafe isRunning.pointee = 0
    usleep(2000)
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }
}
