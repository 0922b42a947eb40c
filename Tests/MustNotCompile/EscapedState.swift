// Must not compile: the state captured by a closure that outlives the lock.
// EXPECT: escaping closure captures 'inout' parameter 'ring'
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) throws {
  var later: (() -> Void)?
  try sync.synchronize { ring in
    later = { ring.produced += 1 }
  }
  later?()
}
