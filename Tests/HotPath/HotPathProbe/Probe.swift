// Counts what the allocator is asked while interrupts are dispatched. Run by `make test-hot`.
import CMallocCounter
import Glibc
import InterruptSync

@main
struct Probe {
  static func main() throws {
    // The counter must count, or the zero below would prove nothing.
    let before = malloc_counter_read()
    unsafe setenv("HOTPATH_PROBE", "counted", 1)
    guard malloc_counter_read() > before else { return fail("the allocator is not being counted") }
    var failures = 0
    // Kept to the end: the thread of a watcher that ends would be counted with the next dispatches.
    var watched: [Watched] = []
    for mode in InterruptSyncMode.allCases {
      let calls = try allocations(mode, dispatches: 100_000)
      print(
        "\(calls == 0 ? "ok" : "NOT OK"): \(calls) allocator calls in 100000 dispatches, mode \(mode)"
      )
      failures += calls == 0 ? 0 : 1
      let timed = try allocations(mode, dispatches: 100_000, histograms: true)
      print(
        "\(timed == 0 ? "ok" : "NOT OK"): \(timed) allocator calls in 100000 dispatches with histograms, mode \(mode)"
      )
      failures += timed == 0 ? 0 : 1
      let typed = try typedAllocations(mode, dispatches: 100_000, &watched)
      print(
        "\(typed == 0 ? "ok" : "NOT OK"): \(typed) allocator calls in 100000 typed dispatches, mode \(mode)"
      )
      failures += typed == 0 ? 0 : 1
      let grouped = try groupAllocations(mode, dispatches: 100_000)
      print(
        "\(grouped == 0 ? "ok" : "NOT OK"): \(grouped) allocator calls in 100000 dispatches of a group, mode \(mode)"
      )
      failures += grouped == 0 ? 0 : 1
    }
    exit(failures == 0 ? 0 : 1)
  }

  private struct Watched {
    let sync: Interrupt<Int>
    let events: InterruptEvents
  }

  private struct Declining: ServiceRoutine {
    mutating func serve(_ calls: inout Int) -> Disposition {
      calls &+= 1
      return .notMine
    }
  }

  /// Typed routines, and a watcher whose buffer is full.
  private static func typedAllocations(
    _ mode: InterruptSyncMode, dispatches: UInt64, _ watched: inout [Watched]
  ) throws -> UInt64 {
    let line = try SoftwareLine()
    let sync = Interrupt(0, source: line, mode: mode, options: .init(storm: .off))
    try sync.register(Declining())
    try sync.register { calls in
      calls &+= 1
      return .notMine
    }
    let events = try sync.interrupts(bufferingOldest: 16)
    watched.append(Watched(sync: sync, events: events))
    return try count(line, sync.object, dispatches, once: { events.dropped > 0 })
  }

  private static func allocations(
    _ mode: InterruptSyncMode, dispatches: UInt64, histograms: Bool = false
  ) throws -> UInt64 {
    let line = try SoftwareLine()
    let object = InterruptSyncObject(
      source: line, mode: mode,
      options: InterruptSyncOptions(storm: .off, histograms: histograms))
    for _ in 0..<4 { unsafe try object.registerServiceRoutine(decline, context: nil) }
    return try count(line, object, dispatches)
  }

  /// Three lines on one thread, of which the first is counted.
  private static func groupAllocations(
    _ mode: InterruptSyncMode, dispatches: UInt64
  ) throws -> UInt64 {
    let options = InterruptSyncOptions(storm: .off, group: try DispatcherGroup())
    let lines = try (0..<3).map { _ in try SoftwareLine() }
    let objects = try lines.map { line in
      let object = InterruptSyncObject(source: line, mode: mode, options: options)
      for _ in 0..<4 { unsafe try object.registerServiceRoutine(decline, context: nil) }
      return object
    }
    for object in objects.dropFirst() { try object.connect() }
    return try count(
      lines[0], objects[0], dispatches,
      alsoTriggering: {
        for line in lines.dropFirst() { line.trigger() }
      })
  }

  /// - Parameter isReady: whether other threads have made what they make at the first use.
  private static func count(
    _ line: SoftwareLine, _ object: InterruptSyncObject, _ dispatches: UInt64,
    alsoTriggering others: () -> Void = {}, once isReady: () -> Bool = { true }
  ) throws -> UInt64 {
    try object.connect()
    // One at a time: what the dispatcher's first sleep makes is made as well.
    var count: UInt64 = 0
    while count < 1000 || !isReady() {
      line.trigger()
      count += 1
      while dispatched(object) < count { sched_yield() }
    }
    let before = (malloc_counter_read(), dispatched(object))
    while dispatched(object) < before.1 + dispatches {
      line.trigger()
      others()
    }
    let after = malloc_counter_read()
    try object.disconnect()
    return after - before.0
  }

  /// Reads the counter alone: a whole snapshot would make an array.
  private static func dispatched(_ object: InterruptSyncObject) -> UInt64 { object.dispatchCount }

  private static func fail(_ text: String) {
    print("NOT OK: \(text)")
    exit(1)
  }
}

private let decline: InterruptSyncRoutine = { _, _ in NTStatus.unsuccessful.rawValue }
