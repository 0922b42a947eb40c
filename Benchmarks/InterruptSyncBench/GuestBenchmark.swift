import FoundationEssentials
import Glibc

/// This program in guests of each kernel, where there are real lines: one without an IOMMU, and one with.
struct GuestBenchmark {
  /// Boots a guest of the kernel series and for the part that are its last arguments, and prints what that prints.
  let command: String
  let options: BenchmarkOptions
  private static let series = ["6.1", "6.12"]

  func run() throws -> ([Measurement], [String]) {
    guard geteuid() == 0 else {
      return ([], ["Guests are root's to boot: their figures are missing"])
    }
    var rows: [Measurement] = []
    var tables: [String] = []
    for series in Self.series {
      let report = try report(of: series, "real-lines")
      let messages = try self.report(of: series, "message-lines")
      rows += (report.rows + messages.rows).map {
        var row = $0
        row.name = "Linux \(series) in QEMU: \(row.name)"
        return row
      }
      for load in report.loads {
        let title = "Linux \(series) in QEMU, \(load.title)"
        tables.append(Report.table(title, load.found))
        try Report.plot(
          title, load.found, interval: load.interval, place: "QEMU", in: options.folder)
      }
    }
    return (rows, tables)
  }

  private func report(of series: String, _ part: String) throws -> RealLineReport {
    let text = try output(of: "\(command) \(series) \(part)")
    guard let line = text.split(separator: "\n").last(where: { $0.hasPrefix("{") }) else {
      throw BenchmarkFailure("the guest with Linux \(series) told nothing:\n\(text)")
    }
    return try JSONDecoder().decode(RealLineReport.self, from: Data(line.utf8))
  }

  private func output(of command: String) throws -> String {
    guard let pipe = unsafe popen(command, "r") else { throw BenchmarkFailure("popen failed") }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = unsafe fread(&buffer, 1, buffer.count, pipe)
      if count == 0 { break }
      bytes += buffer.prefix(count)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    let status = unsafe pclose(pipe)
    guard status == 0 else { throw BenchmarkFailure("\(command): status \(status):\n\(text)") }
    return text
  }
}
