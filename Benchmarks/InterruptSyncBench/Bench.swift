// make bench: every figure is a ratio to a peer measured in turns with it, because machines are
// noisy.
import ArgumentParser
import Glibc
import UIO

@main
struct Bench: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsync-bench", abstract: "Measures InterruptSync beside its peers.")

  @Option(help: "Where the report is written, as JSON.") var report: String

  @Option(help: "The processor the measured threads run on; the last one by default.")
  var processor: Int = sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 1

  @Option(help: "libinterruptsync.so, to measure the C interface as well.")
  var library: String?

  func run() throws {
    var rows: [Measurement] = []
    for routines in [1, 4, 16] {
      rows.append(try DispatchBenchmark.run(routines: routines, processor: processor, bar: 1.05))
    }
    if let library {
      guard let surface = CSurface(path: library) else {
        throw ValidationError("\(library) cannot be loaded; make lib builds it")
      }
      rows += try SurfaceBenchmark.run(surface, processor: processor, bar: 1.15)
    }
    rows += try WindowsBenchmark.run(processor: processor, bar: 1.15)
    rows += try TypedBenchmark.run(processor: processor, bar: 1.15)
    print(Report.table(rows))
    try write(try Report.json(rows))
  }

  private func write(_ text: String) throws {
    guard let file = unsafe fopen(report, "w") else {
      throw ValidationError(
        unsafe "\(report) cannot be written: \(String(cString: unsafe strerror(errno)))")
    }
    unsafe fputs(text + "\n", file)
    unsafe fclose(file)
  }
}
