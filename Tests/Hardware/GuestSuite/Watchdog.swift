// What ends a case that hangs: a thread that waits for the case's end, and acts when it does not come.
import Glibc
import LinuxSystem

/// Calls `expired` on a thread of its own unless `stop()` comes within `limit`.
final class Watchdog: Sendable {
  private let ends: (read: Int32, write: Int32)
  private let milliseconds: Int32
  private let expired: @Sendable () -> Void

  init(limit: Duration, expired: @escaping @Sendable () -> Void) {
    var pair: [Int32] = [-1, -1]
    pipe(&pair)
    ends = (pair[0], pair[1])
    milliseconds = Int32(limit.components.seconds * 1000)
    self.expired = expired
    do { try WorkerThread(name: "watchdog") { [self] in wait() }.detach() } catch {
      preconditionFailure("cannot create a thread: \(error)")
    }
  }

  deinit {
    close(ends.read)
    close(ends.write)
  }

  /// The case has ended.
  func stop() { write(ends.write, "x", 1) }

  private func wait() {
    var waited = pollfd(fd: ends.read, events: Int16(POLLIN), revents: 0)
    var ready: Int32
    repeat { ready = poll(&waited, 1, milliseconds) } while ready < 0 && errno == EINTR
    if ready == 0 { expired() }
  }
}
