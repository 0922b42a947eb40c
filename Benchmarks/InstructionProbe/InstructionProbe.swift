// One operation, as often as it is told, and nothing by the clock: what a run of 2n takes more than
// one of n is what n operations take. Run under callgrind by Benchmarks/check-instructions.
import CFloor
import CUIO
import Glibc
import InterruptSync

@main
struct InstructionProbe {
  static func main() throws {
    let words = CommandLine.arguments
    guard words.count == 3, let count = UInt64(words[2]) else { return usage() }
    switch words[1] {
    case "dispatch-1": try dispatch(count, routines: 1)
    case "dispatch-16": try dispatch(count, routines: 16)
    case "call": try call(count)
    case "rearm": try rearm(count)
    default: usage()
    }
  }

  private static func usage() {
    print("usage: instruction-probe dispatch-1|dispatch-16|call|rearm COUNT")
    exit(2)
  }

  /// Interrupts of a line whose last routine raises the next one, until it has counted enough.
  private static func dispatch(_ count: UInt64, routines: Int) throws {
    let line = try SoftwareLine()
    let event = WakeUp(line: line, left: count)
    let object = InterruptSyncObject(
      source: line, mode: .all,
      options: InterruptSyncOptions(dispatcher: DispatcherAttributes(waiting: .block)))
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
