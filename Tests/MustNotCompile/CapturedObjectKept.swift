// Must not compile: an object given to a routine and used outside.
// EXPECT: sending value of non-Sendable type '(inout Ring) -> Disposition' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  let log = Log()
  try sync.register { ring in
    log.lines.append("x")
    return .claimed
  }
  log.lines.append("race")
}
