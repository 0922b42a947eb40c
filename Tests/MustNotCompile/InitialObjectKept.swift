// Must not compile: an object of the initial state used outside the lock.
// EXPECT: sending value of non-Sendable type 'Ring' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ line: any InterruptSource) -> Interrupt<Ring> {
  let log = Log()
  let sync = Interrupt(Ring(log: log), source: line, mode: .normal)
  log.lines.append("race")
  return sync
}
