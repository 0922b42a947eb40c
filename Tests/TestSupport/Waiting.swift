// Waiting for what another thread does.
import Glibc

/// Polls `condition` until it holds, for a minute at most.
package func eventually(_ what: @autoclosure () -> String, _ condition: () -> Bool) throws {
  let deadline = time(nil) + 60
  while !condition() {
    guard time(nil) < deadline else { throw Hung(what: what()) }
    usleep(200)
  }
}

/// What did not happen within a minute.
package struct Hung: Error { package let what: String }
