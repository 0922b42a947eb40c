// A short run of what `make bench` measures in guests: the benchmark is a process, and the cases check
// its report.
import FoundationEssentials

enum BenchmarkTests {
  static let cases = [Case("benchmarkOfRealLinesMeasuresEveryServer", realLines)]
  /// Behind an IOMMU.
  static let vfioCases = [
    Case("benchmarkOfMessageLinesMeasuresAnEduBehindBothDrivers", messageLines)
  ]

  private static let (rounds, shots) = (2, 20)

  private struct Report: Decodable {
    struct Row: Decodable {
      var name: String
      var ours: Double
      var peer: Double?
      var met: Bool?
    }
    struct Histogram: Decodable { var counts: [Int] }
    struct Distribution: Decodable {
      var name: String
      var all: Histogram
    }
    struct Load: Decodable {
      var title: String
      var found: [Distribution]
    }
    var rows: [Row]
    var loads: [Load]
  }

  private static func realLines() throws {
    let report = try report(of: ["real-lines"])
    try expectEqual(report.loads.count, 6, "loads")
    for load in report.loads {
      try expectEqual(load.found.count, 4, "servers of \(load.title)")
      for server in load.found {
        try expectEqual(
          server.all.counts.reduce(0, +), rounds * shots, "samples of \(server.name)")
      }
    }
    // Median and tail of two ways to wait under each load, and two rows of bursts.
    try expectEqual(Set(report.rows.map(\.name)).count, 6 * 4 + 2, "rows")
    for row in report.rows {
      try expect(row.ours > 0 && (row.peer ?? 0) > 0, "\(row)")
      try expect(row.met != false, "\(row)")
    }
  }
  /// Whether the bar is met is for a longer run to say.
  private static func messageLines() throws {
    let report = try report(of: ["message-lines", "--edu", Guest.vfioEdu])
    try expectEqual(Set(report.rows.map(\.name)).count, 2, "rows")
    for row in report.rows { try expect(row.ours > 0 && (row.peer ?? 0) > 0, "\(row)") }
  }

  private static func report(of arguments: [String]) throws -> Report {
    let program = try Program(
      arguments + ["--rounds", "\(rounds)", "--shots", "\(shots)"],
      program: "interruptsync-bench")
    let status = program.wait()
    let text = program.text
    try expectEqual(status, 0, "exit status; it said: \(text)")
    guard let line = text.split(separator: "\n").last,
      let report = try? JSONDecoder().decode(Report.self, from: Data(line.utf8))
    else { throw Failure(description: "its last line is not a report: \(text)") }
    return report
  }
}
