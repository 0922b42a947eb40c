// Must not compile: a synchronized body that suspends under the interrupt lock.
// EXPECT: cannot pass function of type '(inout sending Ring) async -> ()' to parameter expecting synchronous
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func pause() async {}

func misuse(_ sync: Interrupt<Ring>) throws {
  try sync.synchronize { ring in await pause() }
}
