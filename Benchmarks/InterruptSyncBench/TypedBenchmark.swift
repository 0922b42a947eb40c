import CFloor
import Glibc
import InterruptSync

/// What the typed surface adds to the untyped core: an interrupt with four routines as a type, as
/// closures and as C functions, and a synchronized call.
enum TypedBenchmark {
  private static let window: useconds_t = 8_000
  private static let routines = 4
  private static let calls: UInt64 = 5_000

  private struct Counting: ServiceRoutine, ~Copyable {
    var calls: UInt64 = 0
    mutating func serve(_ total: inout UInt64) -> Disposition {
      calls &+= 1
      return .claimed
    }
  }

  static func run(processor: Int, bar: Double) throws -> [Measurement] {
    [
      try Rounds().compare(
        "dispatch, 4 routines of a type, against C", unit: "ns/interrupt", bar: bar
      ) {
        try dispatch(processor) { object in
          for _ in 0..<routines { try object.register(Counting()) }
        }
      } against: {
        try untypedDispatch(processor)
      },
      try Rounds().compare(
        "dispatch, 4 closures with a variable, against C", unit: "ns/interrupt", bar: bar
      ) {
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
      try synchronize(),
    ]
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

  private static func pace(_ object: InterruptSyncObject) throws -> Double {
    try object.connect()
    let each = Rounds.pace(window) { object.dispatchCount }
    try object.disconnect()
    return each
  }

  private static func synchronize() throws -> Measurement {
    let sync = Interrupt<UInt64>(0, source: SelfFiringLine(), mode: .all)
    let object = InterruptSyncObject(source: SelfFiringLine(), mode: .all)
    var count: UInt64 = 0
    return try Rounds(turns: 40).compare(
      "synchronize, against callSynchronizedRoutine", unit: "ns/call", bar: 1.05
    ) {
      try Rounds.each(calls) { for _ in 0..<$0 { try sync.synchronize { $0 &+= 1 } } }
    } against: {
      Rounds.each(calls) {
        for _ in 0..<$0 { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count) }
      }
    }
  }
}
