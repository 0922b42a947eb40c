// Must not compile: a routine type registered with a state that it does not serve.
// EXPECT: instance method 'register(first:_:)' requires the types 'Ring' and '[Int]' be equivalent
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

struct Other: ServiceRoutine {
  mutating func serve(_ state: inout [Int]) -> Disposition { .claimed }
}

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.register(Other())
}
