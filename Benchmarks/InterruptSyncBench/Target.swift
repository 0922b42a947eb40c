import CFloor
import Glibc

/// The lines that are signalled, and the probes that their server stamps. In memory and descriptors
/// that a child process can have.
@safe final class Target {
  let kind: probe_kind
  let count: Int
  let routines: Int
  let lines: UnsafeMutablePointer<probe_line>
  private let probes: UnsafeMutablePointer<probe>
  let memory: Int32
  private var seed: UInt64

  /// - Throws: `BenchmarkFailure` when there are too few descriptors.
  init(_ kind: probe_kind, lines count: Int = 1, routines: Int = 1, seed: UInt64 = 1) throws {
    var memory: Int32 = -1
    guard let probes = unsafe probe_share(Int32(count * routines), &memory) else {
      throw BenchmarkFailure("cannot create shared memory for the probes")
    }
    self.kind = kind
    self.count = count
    self.routines = routines
    self.memory = memory
    self.seed = seed
    unsafe self.probes = unsafe probes
    unsafe lines = .allocate(capacity: count)
    for index in 0..<count {
      unsafe (lines + index).initialize(to: probe_line())
      guard unsafe probe_line_open(lines + index, kind, 1) == 0 else {
        throw BenchmarkFailure("cannot create descriptors for \(count) lines; raise ulimit -n")
      }
    }
  }

  deinit {
    for index in 0..<count { unsafe probe_line_close(lines + index) }
    unsafe lines.deallocate()
    close(memory)
  }

  func descriptor(_ line: Int) -> Int32 { unsafe lines[line].read_fd }

  /// What a routine is given: the last one of a line stamps the probe that is looked at, and the
  /// others one of their own.
  func context(line: Int, routine: Int) -> UnsafeMutableRawPointer {
    let index = routine == routines - 1 ? line : count + line * (routines - 1) + routine
    return unsafe UnsafeMutableRawPointer(probes + index)
  }

  /// Nanoseconds from each signal to the routine: of all lines in turn, or of the last one alone.
  /// - Throws: `BenchmarkFailure` when one was not answered.
  func drive(_ pace: probe_pace, serving name: String, last: Bool = false) throws -> [UInt64] {
    var samples = [UInt64](repeating: 0, count: Int(pace.shots))
    let lost = unsafe probe_drive(
      lines + (last ? count - 1 : 0), probes + (last ? count - 1 : 0), last ? 1 : Int32(count),
      pace, &seed, &samples)
    guard lost == 0 else { throw BenchmarkFailure("\(name): \(lost) signals were not answered") }
    return samples
  }

  /// Nanoseconds a signal, when they come as fast as they can.
  func burst(_ shots: UInt64, serving name: String) throws -> Double {
    let took = unsafe probe_burst(lines, probes, shots)
    guard took > 0 else { throw BenchmarkFailure("\(name): a burst was not answered") }
    return Double(took) / Double(shots)
  }

  /// Closes the writing end of the first line, a pipe.
  func hangUp() {
    close(unsafe lines.pointee.write_fd)
    unsafe lines.pointee.write_fd = unsafe lines.pointee.read_fd
  }

  func signal(_ line: Int = 0) { _ = unsafe probe_signal(lines + line) }
  /// Times the routine of a line ran.
  func calls(_ line: Int = 0) -> UInt64 { unsafe probes[line].calls }
}
