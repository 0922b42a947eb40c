import ArgumentParser
import CFloor
import Glibc

/// Run as root in a guest, where its devices are behind UIO. Its last line is the report.
struct RealLines: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "real-lines",
    abstract: "Measures QEMU's edu and an HPET behind UIO; prints the report as JSON.")

  @Option(help: "The edu, bound to uio_pci_generic.") var edu = "pci-0000:00:03.0"
  @Option(help: "The HPET, behind uio_pdrv_genirq.") var hpet = "hpet"
  @Option(help: "Rounds; each has every server once.") var rounds = 5
  @Option(help: "Interrupts of each server in each round.") var shots = 1_000

  func validate() throws {
    guard rounds > 0, shots > 0 else { throw ValidationError("at least one round and one shot") }
  }

  func run() throws {
    let machine = Machine(processor: sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1)
    var report = RealLineReport()
    let edu = try EduBenchmark(edu, machine: machine, rounds: rounds)
    for (title, pace, isRealtime) in [
      ("edu, busy line", pace(5_000, 20_000), false),
      ("edu, quiet line", pace(300_000, 900_000), false),
      ("edu, busy line, FIFO", pace(5_000, 20_000), true),
    ] { report.add(try edu.latency(title, pace, isRealtime: isRealtime)) }
    report.rows += try edu.burst(UInt64(shots) * 20)
    let hpet = try HPETBenchmark(hpet, machine: machine, rounds: rounds, shots: shots)
    for (title, shortest, longest, isRealtime) in [
      ("hpet, busy line", 20e3, 60e3, false), ("hpet, quiet line", 300e3, 900e3, false),
      ("hpet, quiet line, FIFO", 300e3, 900e3, true),
    ] {
      report.add(
        try hpet.latency(title, shortest: shortest, longest: longest, isRealtime: isRealtime))
    }
    print(try Report.json(report, isPretty: false))
  }

  private func pace(_ shortest: UInt64, _ longest: UInt64) -> probe_pace {
    probe_pace(shots: UInt64(shots), shortest: shortest, longest: longest)
  }
}
