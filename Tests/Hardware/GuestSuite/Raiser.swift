// Interrupts without a pause, whatever else goes on.
import Glibc
import Synchronization
import UIO

/// A thread that raises an edu's interrupts one after the other, each when the one before has been
/// acknowledged by whoever services it.
final class Raiser: @unchecked Sendable {
  private let registers: RegisterRegion
  private let wanted = Atomic<Bool>(true)
  private let count = Atomic<Int>(0)
  /// The thread's until it was joined.
  private var failure: (any Error)?

  private init(_ registers: RegisterRegion) { self.registers = registers }

  /// How many have been acknowledged.
  var acknowledged: Int { count.load(ordering: .acquiring) }

  /// Raises as long as `body` runs. Returns how many there were; all of them are acknowledged then.
  @discardableResult
  static func raise(_ registers: RegisterRegion, _ body: (Raiser) throws -> Void) throws -> Int {
    let raiser = Raiser(registers)
    let thread = Caller { raiser.run() }
    let result = Result { try body(raiser) }
    raiser.wanted.store(false, ordering: .releasing)
    thread.join()
    try result.get()
    if let failure = raiser.failure { throw failure }
    return raiser.acknowledged
  }

  /// Waits for `more` to be acknowledged from now on.
  func wait(more: Int) throws {
    let goal = acknowledged + more
    try Guest.waitFor("\(goal) acknowledged interrupts, there are \(acknowledged)", seconds: 60) {
      acknowledged >= goal
    }
  }

  private func run() {
    do {
      while wanted.load(ordering: .acquiring) {
        let value = acknowledged + 1
        try registers.write32(UInt32(value), at: Edu.raise)
        try Guest.waitFor("acknowledgement \(value)", seconds: 60) {
          try registers.read32(at: Edu.status) == 0
        }
        count.store(value, ordering: .releasing)
        // The guest has two processors, and who services has to get at one.
        usleep(500)
      }
    } catch { failure = error }
  }
}
