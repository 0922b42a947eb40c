// One operation, as often as it is told, and nothing by the clock: what a run of 2n takes more than
// one of n is what n operations take. Run under callgrind by Benchmarks/check-instructions.
import CFloor
import CUIO
import CWindowsSurface
import Glibc
import InterruptSync

@main
struct InstructionProbe {
  private static let operations: [(name: String, run: @Sendable (UInt64) throws -> Void)] = [
    ("dispatch-1", { try dispatch($0, routines: 1) }),
    ("dispatch-histogram", { try dispatch($0, routines: 1, histograms: true) }),
    ("dispatch-16", { try dispatch($0, routines: 16) }),
    ("dispatch-group", { try GroupProbe.dispatch($0, lines: 1) }),
    ("dispatch-group-1000", { try GroupProbe.dispatch($0, lines: 1_000) }),
    ("dispatch-portcls", { try SurfaceProbe.dispatch($0, WINDOWS_PORTCLS) }),
    ("dispatch-wdm", { try SurfaceProbe.dispatch($0, WINDOWS_WDM) }),
    ("dispatch-wdf", { try SurfaceProbe.dispatch($0, WINDOWS_WDF) }),
    ("call", call),
    ("call-typed", SurfaceProbe.callTyped),
    ("call-c", SurfaceProbe.callInC),
    ("call-portcls", { try SurfaceProbe.call($0, WINDOWS_PORTCLS) }),
    ("call-wdm", { try SurfaceProbe.call($0, WINDOWS_WDM) }),
    ("call-wdf", { try SurfaceProbe.call($0, WINDOWS_WDF) }),
    ("rearm", rearm),
  ]

  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 3, let count = UInt64(words[2]),
      let operation = operations.first(where: { $0.name == words[1] })
    else {
      print("usage: instruction-probe \(operations.map(\.name).joined(separator: "|")) COUNT")
      exit(2)
    }
    try operation.run(count)
  }

  /// Interrupts of a line whose last routine raises the next one, until it has counted enough.
  private static func dispatch(
    _ count: UInt64, routines: Int, histograms: Bool = false
  ) throws {
    let line = try SoftwareLine()
    let event = WakeUp(line: line, left: count)
    let object = InterruptSyncObject(
      source: line, mode: .all,
      options: InterruptSyncOptions(
        dispatcher: DispatcherAttributes(waiting: .block),
        histograms: histograms))
    var counts: UInt64 = 0
    try unsafe withUnsafeMutablePointer(to: &counts) { counts in
      for _ in 1..<max(routines, 2) where routines > 1 {
        unsafe try object.registerServiceRoutine(floor_count, context: counts)
      }
      unsafe try object.registerServiceRoutine(
        WakeUp.raise, context: Unmanaged.passUnretained(event).toOpaque())
      try object.connect()
      line.trigger()
      event.wait()
      try object.disconnect()
    }
  }

  private static func call(_ count: UInt64) throws {
    let object = InterruptSyncObject(source: try SoftwareLine(), mode: .all)
    var calls: UInt64 = 0
    for _ in 0..<count { _ = unsafe object.callSynchronizedRoutine(floor_count, context: &calls) }
  }

  /// The configuration space is a file.
  private static func rearm(_ count: UInt64) throws {
    guard let file = unsafe tmpfile() else { return print("cannot create a temporary file") }
    defer { unsafe fclose(file) }
    var line = unsafe cuio_line(
      fd: -1, rearm_fd: fileno(file), format: CUIO_COUNT_TOTAL32, rearm: CUIO_REARM_PCI_COMMAND,
      total: 0, command: 7, hooks: 0)
    for _ in 0..<count { _ = unsafe cuio_line_rearm(&line) }
  }
}
