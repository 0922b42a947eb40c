import InterruptSync

/// Status: offset 0x20, 32 bits, read-write.
enum Status: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "STATUS"
  static let offset = 0x20
  static let reset: UInt32 = 0
  static let isComputing = RO<Bool>("COMPUTING", bit: 0)
  static let interruptsWhenDone = RW<Bool>("IRQFACT", bit: 7)
  static let fields = [isComputing.description, interruptsWhenDone.description]
}

/// Factorial: offset 0x08, 32 bits, read-write.
enum Factorial: RegisterLayout {
  typealias Access = ReadWrite
  static let name = "FACT"
  static let offset = 0x08
  static let reset: UInt32 = 0
  static let number = RW<UInt32>("N", bits: 0...31)
  static let fields = [number.description]
}

/// Interrupt status: offset 0x24, 32 bits, read-only.
enum Pending: RegisterLayout {
  typealias Access = ReadOnly
  static let name = "IRQSTATUS"
  static let offset = 0x24
  static let reset: UInt32 = 0
  static let factorial = RO<Bool>("FACT", bit: 0)
  static let fields = [factorial.description]
}

/// Interrupt acknowledge: offset 0x64, 32 bits, write-only.
enum Acknowledge: RegisterLayout {
  typealias Access = WriteOnly
  static let name = "IRQACK"
  static let offset = 0x64
  static let reset: UInt32 = 0
  static let factorial = WO<Bool>("FACT", bit: 0)
  static let fields = [factorial.description]
}

struct Results {
  var count = 0
  var last: UInt32 = 0
}

struct FactorialDone: ServiceRoutine {
  let pending: Register<Pending>
  let acknowledge: Register<Acknowledge>
  let factorial: Register<Factorial>

  mutating func serve(_ results: inout Results) -> Disposition {
    do {
      guard try pending.read()[Pending.factorial] else { return .notMine }
      results.last = try factorial.read()[Factorial.number]
      results.count += 1
      try acknowledge.write { $0[Acknowledge.factorial] = true }
      return .claimed
    } catch {
      // The device was removed; the line tells the report handler.
      return .notMine
    }
  }
}

final class FactorialDriver: Sendable {
  private let factorial: Register<Factorial>
  private let status: Register<Status>
  private let sync: Interrupt<Results>

  init(_ registers: RegisterRegion, _ line: any InterruptSource) throws {
    factorial = try Register(in: registers)
    status = try Register(in: registers)
    sync = Interrupt(Results(), source: line, mode: .normal)
    try sync.register(
      FactorialDone(
        pending: try Register(in: registers), acknowledge: try Register(in: registers),
        factorial: factorial))
    try sync.connect()
    try status.modify { $0[Status.interruptsWhenDone] = true }
  }

  func factorial(of number: UInt32) async throws -> UInt32? {
    let interrupts = try sync.interrupts()
    let before = try await sync.synchronize { $0.count }
    try factorial.write { $0[Factorial.number] = number }
    for await interrupt in interrupts where interrupt.isClaimed {
      let results = try await sync.synchronize { $0 }
      if results.count > before { return results.last }
    }
    return nil
  }

  /// When this returns, no routine runs and none will start. The device stays silent.
  func stop() throws -> Int {
    try status.modify { $0[Status.interruptsWhenDone] = false }
    try sync.disconnect()
    return try sync.synchronize { $0.count }
  }
}
