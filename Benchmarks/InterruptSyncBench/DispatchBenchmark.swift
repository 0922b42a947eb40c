import CFloor
import Glibc
import InterruptSync

/// Cost of one interrupt, from the count's read to the next read, against the same loop in C.
enum DispatchBenchmark {
  static let rounds = 101
  static let window: UInt64 = 20_000_000

  static func run(routines: Int, processor: Int, bar: Double) throws -> Measurement {
    var ours: [Double] = []
    var peer: [Double] = []
    for round in 0..<rounds {
      // In turns, and who goes first changes, so that a drift of the machine's speed hits both.
      if round % 2 == 0 { ours.append(try dispatch(routines, processor)) }
      peer.append(floor(routines, processor))
      if round % 2 != 0 { ours.append(try dispatch(routines, processor)) }
    }
    return Measurement(
      "dispatch, blocking, \(routines) routine\(routines == 1 ? "" : "s"), against the loop in C",
      ours: ours, peer: peer, unit: "ns/interrupt", bar: bar)
  }

  private static func dispatch(_ routines: Int, _ processor: Int) throws -> Double {
    let counts = UnsafeMutablePointer<UInt64>.allocate(capacity: routines)
    unsafe counts.initialize(repeating: 0, count: routines)
    defer { unsafe counts.deallocate() }
    let options = InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor]))
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all, options: options)
    for index in 0..<routines {
      unsafe try object.registerServiceRoutine(floor_count, context: counts + index)
    }
    try object.connect()
    usleep(2000)
    let start = (object.statistics().dispatches, nanoseconds())
    usleep(useconds_t(window / 1000))
    let end = (object.statistics().dispatches, nanoseconds())
    try object.disconnect()
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }

  /// The same number of routines on the same processor, on a thread of its own as ours has.
  private static func floor(_ routines: Int, _ processor: Int) -> Double {
    var nodes: [floor_node] = unsafe []
    let counts = UnsafeMutablePointer<UInt64>.allocate(capacity: routines)
    unsafe counts.initialize(repeating: 0, count: routines)
    defer { unsafe counts.deallocate() }
    let list = UnsafeMutablePointer<floor_node>.allocate(capacity: routines)
    defer { unsafe list.deallocate() }
    for index in 0..<routines {
      unsafe (list + index).initialize(
        to: floor_node(
          routine: floor_count, context: counts + index,
          next: index + 1 < routines ? list + index + 1 : nil))
    }
    unsafe nodes.removeAll()
    let fd = floor_self_firing_line()
    precondition(fd >= 0, "cannot create a pipe")
    defer { close(fd) }
    return FloorJob(processor: processor) { unsafe floor_run(fd, list, window) }.run()
  }

  static func nanoseconds() -> UInt64 {
    var time = timespec()
    unsafe clock_gettime(CLOCK_MONOTONIC, &time)
    return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
  }
}
