// Waiting for what another thread does.
import Glibc

/// Polls `condition` until it holds, for a minute at most.
func eventually(_ what: String, _ condition: () -> Bool) throws {
  let deadline = time(nil) + 60
  while !condition() {
    guard time(nil) < deadline else { throw Hung(what: what) }
    usleep(200)
  }
}

struct Hung: Error { let what: String }
