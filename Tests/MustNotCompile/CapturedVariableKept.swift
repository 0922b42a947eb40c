// Must not compile: a variable given to a routine and read outside.
// EXPECT: sending value of non-Sendable type '(inout Ring) -> Disposition' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  var count = 0
  try sync.register { ring in
    count += 1
    return .claimed
  }
  print(count)
}
