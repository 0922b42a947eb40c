// Must not compile: a reference into the state as a result.
// EXPECT: type 'Log' does not conform to the 'Sendable' protocol
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws -> Log? {
  try sync.synchronize { $0.log }
}
