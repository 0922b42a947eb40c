// What earlier runs on this machine measured: a file beside the report, and a drawing of it. Runs of
// other machines stay in the file, and are not drawn with these.
import FoundationEssentials
import Glibc

/// One run as the history keeps it.
struct Run: Codable {
  var date: String
  /// The measured revision, as `git describe` calls it.
  var revision: String
  var machine: String
  var kernel: String
  /// Of the last minute, when the run began.
  var load: Double
  var rows: [Measurement]
}

struct History {
  private(set) var runs: [Run] = []
  private let path: String

  /// The runs in the file, or none where there is none yet.
  init(path: String) throws {
    self.path = path
    guard let data = FileManager.default.contents(atPath: path) else { return }
    runs = try data.split(separator: UInt8(ascii: "\n")).map {
      do { return try JSONDecoder().decode(Run.self, from: Data($0)) } catch {
        throw BenchmarkFailure("\(path) has a line that is no run; move the file away: \(error)")
      }
    }
  }

  /// Adds a run to the file, and draws those of its machine.
  mutating func add(_ run: Run, plot: String) throws {
    runs.append(run)
    try Report.write(
      try runs.map { try Report.json($0, isPretty: false) }.joined(separator: "\n"), to: path)
    let same = runs.filter { $0.machine == run.machine }
    try Report.write(Timeline(title: run.machine, runs: same).svg(), to: plot)
  }
}
