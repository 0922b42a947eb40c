// Must not compile: the state reached without the lock.
// EXPECT: 'pointer' is inaccessible due to 'internal' protection level
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) -> Int {
  unsafe sync.pointer.pointee.produced
}
