import CFloor
import InterruptSync
import UIO

/// QEMU's edu behind uio_pci_generic: an interrupt is a write to a register, and the line is re-armed
/// in the configuration space.
@safe final class EduBenchmark {
  private static let length = 4096
  private let machine: Machine
  private let rounds: Int
  private let line: RealLine
  private let registers: UnsafeMutablePointer<UInt32>
  private let stamp = UnsafeMutablePointer<probe>.allocate(capacity: 1)
  private let raised = UnsafeMutablePointer<probe_line>.allocate(capacity: 1)
  private var seed: UInt64 = 1

  init(_ id: String, machine: Machine, rounds: Int) throws {
    self.machine = machine
    self.rounds = rounds
    let info = try UIODeviceInfo.find(UIODeviceID(id))
    guard
      let registers = unsafe uio_registers("\(info.parentFolder)/resource0", Self.length)
    else { throw BenchmarkFailure("\(id): its registers cannot be mapped; run as root") }
    unsafe self.registers = unsafe registers
    unsafe stamp.initialize(to: probe())
    unsafe stamp.pointee.registers = unsafe registers
    unsafe raised.initialize(to: probe_line())
    unsafe raised.pointee.kind = PROBE_UIO
    unsafe raised.pointee.raise = unsafe registers + Int(EDU_RAISE) / 4
    line = unsafe RealLine(info: info, routine: edu_serve, context: stamp)
  }

  deinit {
    unsafe uio_registers_close(registers, Self.length)
    unsafe stamp.deallocate()
    unsafe raised.deallocate()
  }

  /// Each server in each round, one interrupt at a time.
  func latency(_ title: String, _ pace: probe_pace, isRealtime: Bool) throws -> RealLineReport.Load
  {
    var found = RealServer.all.map { Distribution($0.name) }
    machine.drive(isRealtime)
    defer { machine.drive(false) }
    for round in 0..<rounds {
      for turn in RealServer.all.indices {
        let index = (turn + round) % RealServer.all.count
        let server = RealServer.all[index]
        found[index].add(
          try line.served(by: server, at: place(isRealtime)) {
            try shoot(pace, serving: server.name)
          }.result)
        Machine.breathe()
      }
    }
    return RealLineReport.Load(title: title, interval: "raise to routine", found: found)
  }

  /// As fast as the register can be written. The device keeps no number of interrupts, so that
  /// what has to be conserved is what the kernel counted.
  func burst(_ shots: UInt64) throws -> [Measurement] {
    machine.drive(false)
    var (own, others): ([Double], [Double]) = ([], [])
    var (counted, wanted): (UInt64, UInt64) = (0, 0)
    for round in 0..<rounds {
      let servers = [RealServer.all[0], RealServer.all[2]]
      for server in round % 2 == 0 ? servers : servers.reversed() {
        let before = try line.kernelCount()
        let turn = try line.served(by: server, at: place(false)) { () throws -> Double in
          let took = unsafe edu_burst(registers, stamp, shots)
          guard took > 0 else { throw BenchmarkFailure("\(server.name): a burst was not answered") }
          return Double(took) / Double(shots)
        }
        guard case .core = server else {
          others.append(turn.result)
          continue
        }
        own.append(turn.result)
        counted += turn.counted
        wanted += UInt64(try line.kernelCount() &- before)
      }
    }
    return [
      Measurement(
        "edu, burst of \(shots) raises, block, against C, blocking read", ours: own, peer: others,
        unit: "ns/raise"),
      Measurement(
        "edu, interrupts of the bursts counted, of those the kernel counted", count: counted,
        wanted: wanted, unit: "interrupts"),
    ]
  }

  private func place(_ isRealtime: Bool) -> placement {
    placement(priority: isRealtime ? Machine.serving : 0, processor: Int32(machine.processor))
  }

  private func shoot(_ pace: probe_pace, serving name: String) throws -> [UInt64] {
    var samples = [UInt64](repeating: 0, count: Int(pace.shots))
    let lost = unsafe probe_drive(raised, stamp, 1, pace, &seed, &samples)
    guard lost == 0 else { throw BenchmarkFailure("\(name): \(lost) raises were not answered") }
    return samples
  }
}
