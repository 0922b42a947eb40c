import CFloor
import Glibc

/// DPDK's EAL interrupt thread in a process of its own.
@safe final class DPDKServer: Server {
  let name: String
  let target: Target
  private let process: OpaquePointer

  init(_ name: String, _ target: Target, program: String, priority: Int32, processor: Int) throws {
    self.name = name
    self.target = target
    let kind = target.kind == PROBE_EVENT ? "event" : "totals"
    let lines = (0..<target.count).map { " \(target.descriptor($0))" }.joined()
    let command =
      "exec \(program) \(kind) \(processor) \(priority) \(target.memory) \(target.routines)\(lines)"
    guard let process = unsafe child_start(command) else {
      throw BenchmarkFailure("\(program) did not start; its message is above")
    }
    unsafe self.process = unsafe process
    // The first interrupt finds the thread and places it.
    for line in 0..<target.count { target.signal(line) }
    usleep(20_000)
  }

  deinit { unsafe child_end(process) }

  /// EAL reads the count and drops it.
  var counted: UInt64? { nil }

  func ask(_ command: String) throws -> [UInt64] {
    guard let answer = unsafe child_ask(process, command) else {
      throw BenchmarkFailure("\(name): no answer to \(command)")
    }
    return unsafe String(cString: answer).split(whereSeparator: \.isWhitespace).compactMap {
      UInt64($0)
    }
  }

  /// Processor time of the process so far, in nanoseconds.
  func processorTime() throws -> UInt64 { try ask("cpu").first ?? 0 }
}
