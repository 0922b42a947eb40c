import CFloor
import CUIO
import InterruptSync

/// What callers of synchronized routines do to the service routines' latency: ours beside the same
/// loop in C with a plain mutex and with one that inherits priorities.
struct ContentionBenchmark {
  let machine: Machine
  let options: BenchmarkOptions

  private static let pace = probe_pace(shots: 1_500, shortest: 100_000, longest: 300_000)

  /// Runs a synchronized routine of an object given as a pointer.
  private static let call: load_call = { object, routine, context in
    unsafe Unmanaged<InterruptSyncObject>.fromOpaque(object)._withUnsafeGuaranteedRef {
      unsafe $0.callSynchronizedRoutine(routine, context: context).rawValue
    }
  }

  private static let callWaiter: load_call = { waiter, routine, context in
    unsafe waiter_call(waiter, routine, context)
  }

  /// A server, how its lock is taken by others, and how many nanoseconds it last waited for it: 0
  /// when it has not waited since this was asked last.
  @safe struct Contested {
    let server: any Server
    let call: load_call
    let object: UnsafeMutableRawPointer
    let takeWait: () -> UInt64
  }

  func contested(isRealtime: Bool) throws -> [Contested] {
    let latency = LatencyBenchmark(machine: machine, options: options, isRealtime: isRealtime)
    let lock = InterruptLock()
    let ours = try CoreServer(
      "InterruptSync", try Target(PROBE_EVENT), latency.attributes(.block), lock: lock)
    let core = unsafe Contested(
      server: ours, call: Self.call,
      object: Unmanaged.passUnretained(ours.objects[0]).toOpaque()
    ) {
      defer { unsafe cuio_counter_set(&lock.raw.pointee.longest_wait, 0) }
      return lock.longestWait.inNanoseconds
    }
    return [
      core, try inC("C, plain mutex", WAITER_PLAIN, latency.place),
      try inC("C, PI mutex", WAITER_PI, latency.place),
    ]
  }

  private func inC(_ name: String, _ mutex: waiter_mutex, _ place: placement) throws -> Contested {
    let server = try FloorServer(
      name, try Target(PROBE_EVENT), WAITER_POLL, mutex: mutex, place)
    return unsafe Contested(
      server: server, call: Self.callWaiter, object: UnsafeMutableRawPointer(server.waiter)
    ) {
      unsafe waiter_take_wait(server.waiter)
    }
  }

  /// `callers` threads that hold the lock for 1 µs every 20 µs and a wake-up; a pause keeps those of
  /// real-time priority from being throttled.
  func callers(_ callers: Int32, isRealtime: Bool) throws -> [Distribution] {
    let place = placement(priority: isRealtime ? Machine.low : 0, processor: -1)
    return unsafe try measure(try contested(isRealtime: isRealtime), realtime: isRealtime) { one in
      unsafe load_callers(callers, one.call, one.object, 1_000, 20_000, place)
    }
  }

  private func measure(
    _ contested: [Contested], realtime: Bool, _ load: (Contested) -> OpaquePointer?
  ) throws -> [Distribution] {
    var found = contested.map { Distribution($0.server.name) }
    defer { machine.drive(false) }
    for round in 0..<options.rounds {
      for turn in contested.indices {
        let index = (turn + round) % contested.count
        let one = contested[index]
        machine.drive(false)
        guard let threads = unsafe load(one) else {
          throw BenchmarkFailure("cannot create the threads that call \(one.server.name)")
        }
        machine.drive(realtime)
        let samples = Result { try one.server.target.drive(Self.pace, serving: one.server.name) }
        unsafe load_stop(threads)
        found[index].add(try samples.get())
        Machine.breathe()
      }
    }
    return found
  }
}
