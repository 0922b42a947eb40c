// Must not compile: an object moved into the state and used afterwards.
// EXPECT: sending 'log' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  let log = Log()
  try sync.synchronize(sending: log) { ring, log in ring.log = log }
  log.lines.append("race")
}
