// Must not compile: a routine that writes an unprotected global.
// EXPECT: var 'total' is not concurrency-safe
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

var total = 0

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.register { ring in
    total += 1
    return .claimed
  }
}
