// Must not compile: an outside object put into the state and used afterwards.
// EXPECT: 'inout sending' parameter '$0' cannot be task-isolated at end of function
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  let log = Log()
  try sync.synchronize { $0.log = log }
  log.lines.append("race")
}
