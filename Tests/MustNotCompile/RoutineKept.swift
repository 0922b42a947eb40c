// Must not compile: a routine value with a reference that is used outside after it was registered.
// EXPECT: sending value of non-Sendable type 'Logging' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

struct Logging: ServiceRoutine {
  let log: Log
  mutating func serve(_ ring: inout Ring) -> Disposition { .claimed }
}

func misuse(_ sync: Interrupt<Ring>) throws {
  let log = Log()
  try sync.register(Logging(log: log))
  log.lines.append("race")
}
