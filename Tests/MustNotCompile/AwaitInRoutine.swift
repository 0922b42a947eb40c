// Must not compile: a routine that suspends under the interrupt lock.
// EXPECT: cannot pass function of type '(inout Ring) async -> Disposition' to parameter expecting synchronous
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func pause() async {}

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.register { ring in
    await pause()
    return .claimed
  }
}
