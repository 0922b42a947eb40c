import CFloor
import InterruptSync

/// What callers of synchronized routines do to the service routines' latency: ours beside the same
/// loop in C with a plain mutex and with one that inherits priorities.
struct ContentionBenchmark {
  let machine: Machine
  let options: BenchmarkOptions

  private static let hold: UInt64 = 50_000
  private static let pace = probe_pace(shots: 2_000, shortest: 100_000, longest: 300_000)

  /// Runs a synchronized routine of an object given as a pointer.
  private static let call: load_call = { object, routine, context in
    unsafe Unmanaged<InterruptSyncObject>.fromOpaque(object)._withUnsafeGuaranteedRef {
      unsafe $0.callSynchronizedRoutine(routine, context: context).rawValue
    }
  }

  private static let callWaiter: load_call = { waiter, routine, context in
    unsafe waiter_call(waiter, routine, context)
  }

  /// A server, and how its lock is taken by others.
  @safe struct Contested {
    let server: any Server
    let call: load_call
    let object: UnsafeMutableRawPointer
  }

  func contested(isRealtime: Bool) throws -> [Contested] {
    let latency = LatencyBenchmark(machine: machine, options: options, isRealtime: isRealtime)
    let ours = try CoreServer(
      "InterruptSync", try Target(PROBE_EVENT), latency.attributes(.block))
    let plain = try FloorServer(
      "C, plain mutex", try Target(PROBE_EVENT), WAITER_POLL, mutex: WAITER_PLAIN, latency.place)
    let inheriting = try FloorServer(
      "C, PI mutex", try Target(PROBE_EVENT), WAITER_POLL, latency.place)
    return [
      unsafe Contested(
        server: ours, call: Self.call,
        object: Unmanaged.passUnretained(ours.objects[0]).toOpaque()),
      unsafe Contested(
        server: plain, call: Self.callWaiter, object: UnsafeMutableRawPointer(plain.waiter)),
      unsafe Contested(
        server: inheriting, call: Self.callWaiter,
        object: UnsafeMutableRawPointer(inheriting.waiter)),
    ]
  }

  /// A caller of low priority holds the lock, a hog of middle priority keeps it from the processor,
  /// and the service routine of high priority waits for both.
  func inversion() throws -> (rows: [Measurement], found: [Distribution]) {
    let low = placement(priority: Machine.low, processor: Int32(machine.processor))
    let middle = placement(priority: Machine.middle, processor: Int32(machine.processor))
    var holds: [Double] = []
    // What the machine itself takes from such a thread: nobody else wants the processor or the lock.
    var alone = unsafe try measure(
      Array(try contested(isRealtime: true).prefix(1)), realtime: true
    ) { one in
      unsafe load_callers(0, one.call, one.object, 0, 0, low)
    } stopped: { _, _ in
    }[0]
    alone.name += ", nobody in its way"
    guard let hog = unsafe load_hog(4_000_000, 6_000_000, middle) else {
      throw BenchmarkFailure("no hog of priority \(Machine.middle) to be had")
    }
    defer { unsafe load_stop(hog) }
    let found = unsafe try measure(try contested(isRealtime: true), realtime: true) { one in
      unsafe load_callers(1, one.call, one.object, Self.hold, 50_000, low)
    } stopped: { one, load in
      if one.server is CoreServer { holds.append(Double(unsafe load_longest_hold(load)) / 1000) }
    }
    func row(_ percentile: Double, _ name: String, peer: [Double], bar: Double? = nil)
      -> Measurement
    {
      Measurement(
        "inversion: signal to routine, \(name)", ours: found[0].percentiles(percentile),
        peer: peer, unit: "µs", bar: bar)
    }
    let limits = holds.map { $0 + 100 }
    return (
      [
        row(0.999, "99.9th percentile, against longest hold + 100 µs", peer: limits, bar: 1),
        row(0.99, "99th percentile, against longest hold + 100 µs", peer: limits),
        row(
          0.999, "99.9th percentile, against a plain mutex in C",
          peer: found[1].percentiles(0.999), bar: 0.1),
        row(
          0.999, "99.9th percentile, against a PI mutex in C", peer: found[2].percentiles(0.999)),
        row(
          0.999, "99.9th percentile, against itself with nobody in its way",
          peer: alone.percentiles(0.999)),
      ], found + [alone]
    )
  }

  /// `callers` threads that hold the lock for 1 µs every 20 µs and a wake-up; a pause keeps those of
  /// real-time priority from being throttled.
  func callers(_ callers: Int32, isRealtime: Bool) throws -> [Distribution] {
    let place = placement(priority: isRealtime ? Machine.low : 0, processor: -1)
    return unsafe try measure(try contested(isRealtime: isRealtime), realtime: isRealtime) { one in
      unsafe load_callers(callers, one.call, one.object, 1_000, 20_000, place)
    } stopped: { _, _ in
    }
  }

  private func measure(
    _ contested: [Contested], realtime: Bool, _ load: (Contested) -> OpaquePointer?,
    stopped: (Contested, OpaquePointer) -> Void
  ) throws -> [Distribution] {
    var found = contested.map { Distribution($0.server.name) }
    defer { machine.drive(false) }
    for round in 0..<options.rounds {
      for turn in contested.indices {
        let index = (turn + round) % contested.count
        let one = contested[index]
        machine.drive(false)
        guard let threads = unsafe load(one) else {
          throw BenchmarkFailure("no threads to be had that call \(one.server.name)")
        }
        machine.drive(realtime)
        let samples = Result { try one.server.target.drive(Self.pace, serving: one.server.name) }
        unsafe stopped(one, threads)
        unsafe load_stop(threads)
        found[index].add(try samples.get())
        Machine.breathe()
      }
    }
    return found
  }
}
