import ArgumentParser
import CFloor
import Glibc

/// Run as root in a guest with an IOMMU. Its last line is the report.
struct MessageLines: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "message-lines",
    abstract:
      "Measures QEMU's edu behind vfio-pci and behind uio_pci_generic; prints the report as JSON.")

  @Option(help: "The edu.") var edu = "0000:00:03.0"
  @Option(help: "Rounds; each has every server once.") var rounds = 15
  @Option(help: "Interrupts of each server in each round.") var shots = 20_000

  func validate() throws {
    guard rounds > 0, shots > 0 else { throw ValidationError("at least one round and one shot") }
  }

  func run() throws {
    let machine = Machine(processor: sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1)
    let benchmark = try MessageBenchmark(
      edu, machine: machine, rounds: rounds, shots: UInt64(shots))
    var report = RealLineReport()
    report.rows = try benchmark.run()
    print(try Report.json(report, isPretty: false))
  }
}
