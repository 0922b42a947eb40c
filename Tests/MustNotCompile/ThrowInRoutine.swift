// Must not compile: a routine that throws.
// EXPECT: invalid conversion from throwing function of type '(inout Ring) throws -> Disposition'
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

enum Underrun: Error { case empty }

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.register { ring in throw Underrun.empty }
}
