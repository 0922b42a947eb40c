// Must compile: what the misuses beside it come close to.
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}
enum Underrun: Error { case empty }
struct Counter: ServiceRoutine, ~Copyable {
  var calls = 0
  mutating func serve(_ ring: inout Ring) -> Disposition {
    calls += 1
    ring.produced += 1
    return .claimed
  }
}

func drive(_ line: any InterruptSource) async throws {
  let sync = Interrupt(Ring(log: Log()), source: line, mode: .normal)
  var seen = 0
  try sync.register { ring in
    seen += 1
    ring.log?.lines.append("\(seen)")
    return .notMine
  }
  try sync.register(first: true, Counter())
  try sync.connect()
  let log = Log()
  try sync.synchronize(sending: log) { ring, log in ring.log = log }
  let produced = try await sync.synchronize { $0.produced }
  let task = Task.detached { try await sync.synchronize { $0.produced += produced } }
  try await task.value
}

func take(_ sync: Interrupt<Ring>) throws(SynchronizeError<Underrun>) -> Int {
  try sync.synchronize { (ring: inout sending Ring) throws(Underrun) -> Int in
    guard ring.produced > 0 else { throw .empty }
    return ring.produced
  }
}
