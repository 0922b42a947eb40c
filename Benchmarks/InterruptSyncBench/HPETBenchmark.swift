import CFloor
import Glibc
import InterruptSync
import UIO

/// Timer 1 of the HPET behind uio_pdrv_genirq. The device's own counter tells how long after the
/// match, which is when the wire rose, the routine began.
@safe final class HPETBenchmark {
  private static let length = 4096
  /// Where the platform device expects the interrupt.
  private static let pin: UInt32 = 18
  private let machine: Machine
  private let rounds: Int
  private let line: RealLine
  private let timer = UnsafeMutablePointer<hpet_timer>.allocate(capacity: 1)
  private let shots: Int
  private let samples: UnsafeMutablePointer<UInt32>
  private let nanoseconds: Double

  init(_ id: String, machine: Machine, rounds: Int, shots: Int) throws {
    self.machine = machine
    self.rounds = rounds
    self.shots = shots
    let info = try UIODeviceInfo.find(UIODeviceID(id))
    guard let registers = unsafe uio_registers(info.path, Self.length) else {
      throw BenchmarkFailure("\(id): its registers cannot be mapped; run as root")
    }
    unsafe samples = .allocate(capacity: shots)
    unsafe samples.initialize(repeating: 0, count: shots)
    nanoseconds = Double(unsafe hpet_period(registers)) / 1e6
    unsafe timer.initialize(
      to: hpet_timer(
        registers: registers, left: 0, samples: samples, taken: 0, shortest: 0,
        longest: 0, seed: 1, due: 0))
    line = unsafe RealLine(info: info, routine: hpet_serve, context: timer)
  }

  deinit {
    unsafe uio_registers_close(timer.pointee.registers, Self.length)
    unsafe timer.deallocate()
    unsafe samples.deallocate()
  }

  /// Each server in each round. The next match comes `shortest` to `longest` nanoseconds after the
  /// routine.
  func latency(_ title: String, shortest: Double, longest: Double, isRealtime: Bool) throws
    -> RealLineReport.Load
  {
    unsafe timer.pointee.shortest = UInt64(shortest / nanoseconds)
    unsafe timer.pointee.longest = UInt64(longest / nanoseconds)
    let place = placement(
      priority: isRealtime ? Machine.serving : 0, processor: Int32(machine.processor))
    var found = RealServer.all.map { Distribution($0.name) }
    for round in 0..<rounds {
      for turn in RealServer.all.indices {
        let index = (turn + round) % RealServer.all.count
        let server = RealServer.all[index]
        _ = try line.served(by: server, at: place) { try shoot(serving: server.name) }
        found[index].add(try latencies(of: server.name))
        Machine.breathe()
      }
    }
    return RealLineReport.Load(title: title, interval: "match to routine", found: found)
  }

  /// Each routine starts the timer again; the waiting thread sleeps.
  private func shoot(serving name: String) throws {
    unsafe hpet_start(timer, UInt64(shots), Self.pin)
    defer { unsafe hpet_stop(timer) }
    let limit = probe_now() + 5_000_000_000 + UInt64(shots) * 20_000_000
    while unsafe hpet_is_done(timer) == 0 {
      guard probe_now() < limit else {
        throw BenchmarkFailure("\(name): the HPET's interrupts stopped coming")
      }
      usleep(10_000)
    }
  }

  private func latencies(of name: String) throws -> [UInt64] {
    try (0..<shots).map {
      let ticks = unsafe samples[$0]
      guard Int32(bitPattern: ticks) >= 0 else {
        throw BenchmarkFailure("\(name): the routine ran before the HPET's match")
      }
      return UInt64(Double(ticks) * nanoseconds)
    }
  }
}
