// Must not compile: a synchronized call whose refusal nobody handles (N4).
// EXPECT: call can throw, but it is not marked with 'try' and the error is not handled
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) {
  sync.synchronize { $0.produced += 1 }
}
