import CFloor
import Glibc
import InterruptSync

/// Cost of one interrupt, from the count's read to the next read, against the same loop in C.
enum DispatchBenchmark {
  static let rounds = Rounds(count: 31, turns: 3)
  static let window: useconds_t = 20_000

  static func run(routines: Int, processor: Int, bar: Double) throws -> Measurement {
    try rounds.compare(
      "dispatch, blocking, \(routines) routine\(routines == 1 ? "" : "s"), against the loop in C",
      unit: "ns/interrupt", bar: bar
    ) {
      try dispatch(routines, processor)
    } against: {
      floor(routines, processor)
    }
  }

  /// What it costs to count times by their length.
  static func histograms(processor: Int, bar: Double) throws -> Measurement {
    try rounds.compare(
      "dispatch, blocking, 1 routine, with histograms, against without", unit: "ns/interrupt",
      bar: bar
    ) {
      try dispatch(1, processor, histograms: true)
    } against: {
      try dispatch(1, processor)
    }
  }

  private static func dispatch(
    _ routines: Int, _ processor: Int, histograms: Bool = false
  ) throws -> Double {
    let counts = UnsafeMutablePointer<UInt64>.allocate(capacity: routines)
    unsafe counts.initialize(repeating: 0, count: routines)
    defer { unsafe counts.deallocate() }
    let options = InterruptSyncOptions(
      dispatcher: DispatcherAttributes(processors: [processor]), histograms: histograms)
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all, options: options)
    for index in 0..<routines {
      unsafe try object.registerServiceRoutine(floor_count, context: counts + index)
    }
    try object.connect()
    let each = Rounds.pace(window) { object.dispatchCount }
    try object.disconnect()
    return each
  }

  /// The same number of routines on the same processor, on a thread of its own as ours has.
  private static func floor(_ routines: Int, _ processor: Int) -> Double {
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
    let fd = floor_self_firing_line()
    precondition(fd >= 0, "cannot create a pipe")
    defer { close(fd) }
    return FloorJob(processor: processor) {
      unsafe floor_run(fd, list, UInt64(window) * 1_000)
    }.run()
  }
}
