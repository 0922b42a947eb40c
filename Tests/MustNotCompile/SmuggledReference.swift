// Must not compile: a reference into the state carried out through a variable.
// EXPECT: 'inout sending' parameter 'ring' cannot be task-isolated at end of function
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  var kept: Log?
  try sync.synchronize { ring in kept = ring.log }
  kept?.lines.append("race")
}
