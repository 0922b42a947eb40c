import CFloor
import Glibc
import InterruptSync

/// What the typed surface adds to the untyped core: an interrupt with four routines as a type, as
/// closures and as C functions, and a synchronized call.
enum TypedBenchmark {
  private static let rounds = 21
  private static let window: UInt64 = 60_000_000
  private static let routines = 4
  private static let calls = 200_000

  private struct Counting: ServiceRoutine, ~Copyable {
    var calls: UInt64 = 0
    mutating func serve(_ total: inout UInt64) -> Disposition {
      calls &+= 1
      return .claimed
    }
  }

  static func run(processor: Int, bar: Double) throws -> [Measurement] {
    [
      try measure("dispatch, 4 routines of a type, against C", "ns/interrupt", bar) {
        try dispatch(processor) { object in
          for _ in 0..<routines { try object.register(Counting()) }
        }
      } against: {
        try untypedDispatch(processor)
      },
      try measure("dispatch, 4 closures with a variable, against C", "ns/interrupt", bar) {
        try dispatch(processor) { object in
          for _ in 0..<routines {
            var calls: UInt64 = 0
            try object.register { _ in
              calls &+= 1
              return .claimed
            }
          }
        }
      } against: {
        try untypedDispatch(processor)
      },
      try measure("synchronize, against callSynchronizedRoutine", "ns/call", bar) {
        try synchronize()
      } against: {
        try untypedCall()
      },
    ]
  }

  private static func measure(
    _ name: String, _ unit: String, _ bar: Double, ours: () throws -> Double,
    against peer: () throws -> Double
  ) throws -> Measurement {
    var own: [Double] = []
    var others: [Double] = []
    for round in 0..<rounds {
      // In turns, and who goes first changes, so that a drift of the machine's speed hits both.
      if round % 2 == 0 { own.append(try ours()) }
      others.append(try peer())
      if round % 2 != 0 { own.append(try ours()) }
    }
    return Measurement(name, ours: own, peer: others, unit: unit, bar: bar)
  }

  private static func dispatch(
    _ processor: Int, _ register: (Interrupt<UInt64>) throws -> Void
  ) throws -> Double {
    let options = InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor]))
    let sync = Interrupt<UInt64>(0, source: SelfFiringLine(), mode: .all, options: options)
    try register(sync)
    return try pace(sync.object)
  }

  private static func untypedDispatch(_ processor: Int) throws -> Double {
    let counts = UnsafeMutablePointer<UInt64>.allocate(capacity: routines)
    unsafe counts.initialize(repeating: 0, count: routines)
    defer { unsafe counts.deallocate() }
    let options = InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor]))
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all, options: options)
    for index in 0..<routines {
      unsafe try object.registerServiceRoutine(floor_count, context: counts + index)
    }
    return try pace(object)
  }

  /// Nanoseconds an interrupt of a line that fires as fast as it is served.
  private static func pace(_ object: InterruptSyncObject) throws -> Double {
    try object.connect()
    usleep(2000)
    let start = (object.dispatchCount, DispatchBenchmark.nanoseconds())
    usleep(useconds_t(window / 1000))
    let end = (object.dispatchCount, DispatchBenchmark.nanoseconds())
    try object.disconnect()
    return Double(end.1 - start.1) / Double(max(end.0 - start.0, 1))
  }

  private static func synchronize() throws -> Double {
    let sync = Interrupt<UInt64>(0, source: SelfFiringLine(), mode: .all)
    let start = DispatchBenchmark.nanoseconds()
    for _ in 0..<calls { try sync.synchronize { $0 &+= 1 } }
    return Double(DispatchBenchmark.nanoseconds() - start) / Double(calls)
  }

  private static func untypedCall() throws -> Double {
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all)
    var count: UInt64 = 0
    return unsafe withUnsafeMutablePointer(to: &count) { count in
      let start = DispatchBenchmark.nanoseconds()
      for _ in 0..<calls {
        _ = unsafe object.callSynchronizedRoutine(floor_count, context: count)
      }
      return Double(DispatchBenchmark.nanoseconds() - start) / Double(calls)
    }
  }
}
