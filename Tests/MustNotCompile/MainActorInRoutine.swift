// Must not compile: a routine that writes what belongs to the main actor.
// EXPECT: main actor-isolated var 'total' can not be mutated from a nonisolated context
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

@MainActor var total = 0

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.register { ring in
    total += 1
    return .claimed
  }
}
