// Must not compile: an outside object given to an async body and used afterwards.
// EXPECT: sending value of non-Sendable type '(inout sending Ring) -> ()' risks causing data races
import InterruptSync

final class Log { var lines: [String] = [] }
struct Ring {
  var produced = 0
  var log: Log?
}

func misuse(_ sync: Interrupt<Ring>) async throws {
  let log = Log()
  try await sync.synchronize { ring in
    log.lines.append("x")
  }
  log.lines.append("race")
}
