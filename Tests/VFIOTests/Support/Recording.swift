// What tests count and collect on other threads.
import Synchronization
import TestSupport

final class Counts: Sendable {
  private let counter = Atomic<Int>(0)
  var value: Int { counter.load(ordering: .acquiring) }
  func add() { counter.add(1, ordering: .acquiringAndReleasing) }
}

final class Flag: Sendable {
  private let flag: Atomic<Bool>
  init(isUp: Bool) { flag = Atomic(isUp) }
  var isUp: Bool {
    get { flag.load(ordering: .acquiring) }
    set { flag.store(newValue, ordering: .releasing) }
  }
}

final class Texts: Sendable {
  private let texts = Guarded<[String]>([])
  var all: [String] { texts.withLock { $0 } }
  var count: Int { all.count }
  func add(_ text: String) { texts.withLock { $0.append(text) } }
}
