import CFloor
import CMallocCounter
import CUIO
import Glibc
import InterruptSync

/// What a dispatch, a synchronized call and a re-arm do not do: counts, not times.
enum HotPathBenchmark {
  private static let calls = 100_000

  static func run(machine: Machine, gate: String?) throws -> [Measurement] {
    var rows = [
      Measurement(
        "allocator calls in 100,000 dispatches", count: try dispatchAllocations(machine),
        wanted: 0, unit: "calls"),
      Measurement(
        "allocator calls in 100,000 synchronized calls", count: try callAllocations(),
        wanted: 0, unit: "calls"),
      Measurement(
        "system calls of 1,000 re-arms of a PCI line", count: try rearmCalls(),
        wanted: 1_000, unit: "calls"),
    ]
    if let gate {
      rows.append(
        Measurement(
          "calls of the Swift runtime, the allocator or a foreign lock in a dispatch's machine code",
          count: try foreignCalls(gate), wanted: 0, unit: "calls"))
    }
    return rows
  }

  private static func dispatchAllocations(_ machine: Machine) throws -> UInt64 {
    var count: UInt64 = 0
    let object = InterruptSyncObject(
      source: SelfFiringLine(), mode: .all,
      options: InterruptSyncOptions(
        dispatcher: DispatcherAttributes(processors: [machine.processor])))
    return unsafe try withUnsafeMutablePointer(to: &count) { count in
      unsafe try object.registerServiceRoutine(floor_count, context: count)
      try object.connect()
      defer { try? object.disconnect() }
      // Lazy initialisation happens now.
      usleep(20_000)
      let before = (malloc_counter_read(), object.dispatchCount)
      while object.dispatchCount < before.1 + UInt64(calls) { usleep(1000) }
      return malloc_counter_read() - before.0
    }
  }

  private static func callAllocations() throws -> UInt64 {
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
    var count: UInt64 = 0
    _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count)
    let before = malloc_counter_read()
    for _ in 0..<calls { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &count) }
    return malloc_counter_read() - before
  }

  /// A thousand re-arms of a line whose configuration space is a file, beyond what nothing at all
  /// makes.
  private static func rearmCalls() throws -> UInt64 {
    guard let file = unsafe tmpfile() else { throw BenchmarkFailure("tmpfile failed") }
    defer { unsafe fclose(file) }
    var line = cuio_line(
      fd: -1, rearm_fd: unsafe fileno(file), format: CUIO_COUNT_TOTAL32,
      rearm: CUIO_REARM_PCI_COMMAND, total: 0,
      command: 7, hooks: 0)
    let idle = unsafe trace_system_calls({ _ in }, nil)
    let made = unsafe trace_system_calls(
      { line in
        guard let line = unsafe line?.assumingMemoryBound(to: cuio_line.self) else { return }
        for _ in 0..<1_000 { _ = unsafe cuio_line_rearm(line) }
      }, &line)
    guard idle >= 0, made >= idle else {
      throw BenchmarkFailure(
        "ptrace(2) is not allowed here; it counts the system calls of a re-arm")
    }
    return UInt64(made - idle)
  }

  /// What `Tests/HotPath/check-hot` finds in this program.
  private static func foreignCalls(_ gate: String) throws -> UInt64 {
    let found = unsafe child_count_lines("\(gate) /proc/\(getpid())/exe", " calls ")
    guard found >= 0 else { throw BenchmarkFailure("\(gate) failed") }
    return UInt64(found)
  }
}
