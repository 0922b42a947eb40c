import CFloor
import Glibc
import InterruptSync
import LinuxSystem

/// Cost of one message, from the count's read to the next read, against the same loop in C. The line is an eventfd, as a
/// vector of MSI is; its routine raises the next message, and nothing is re-armed.
enum MessageDispatchBenchmark {
  private static let window = DispatchBenchmark.window

  static func run(processor: Int, bar: Double) throws -> Measurement {
    try DispatchBenchmark.rounds.compare(
      "dispatch of messages, blocking, 1 routine, against the loop in C", unit: "ns/message",
      bar: bar
    ) {
      try dispatch(processor)
    } against: {
      floor(processor)
    }
  }

  private static func dispatch(_ processor: Int) throws -> Double {
    let event = floor_message_line()
    let line = SelfFiringLine(messages: event)
    var running: UInt32 = 1
    return try unsafe withUnsafePointer(to: &running) { running in
      var link = unsafe floor_link(fd: event, running: running)
      return try unsafe withUnsafeMutablePointer(to: &link) { link in
        let object = InterruptSyncObject(
          source: line, mode: .all,
          options: InterruptSyncOptions(dispatcher: DispatcherAttributes(processors: [processor])))
        unsafe try object.registerServiceRoutine(floor_pass_on, context: link)
        try object.connect()
        _ = unsafe floor_pass_on(nil, link)
        let each = Rounds.pace(window) { object.dispatchCount }
        try object.disconnect()
        return each
      }
    }
  }

  private static func floor(_ processor: Int) -> Double {
    let line = FileDescriptor(adopting: floor_message_line())
    var running: UInt32 = 1
    return unsafe withUnsafePointer(to: &running) { running in
      var link = unsafe floor_link(fd: line.raw, running: running)
      return unsafe withUnsafeMutablePointer(to: &link) { link in
        var node = unsafe floor_node(routine: floor_pass_on, context: link, next: nil)
        return unsafe withUnsafeMutablePointer(to: &node) { node in
          FloorJob(processor: processor) {
            unsafe floor_run_messages(line.raw, node, UInt64(window) * 1_000)
          }.run()
        }
      }
    }
  }
}
