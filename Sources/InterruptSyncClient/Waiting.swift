// Waiting for an event of the daemon's, and for the end of the connection it belongs to.
import Glibc
import LinuxSystem
import UIO
import Varlink

/// What a wait ended with.
enum WaitOutcome {
  case signalled, hungUp, timedOut
}

/// A point in time up to which to wait.
struct Deadline {
  private let end: UInt64?

  /// - Parameter timeout: nil is never.
  init(_ timeout: Duration?) {
    end = timeout.map { EventLoop.now + Swift.min($0.nanoseconds, UInt64(Int64.max) / 2) }
  }

  /// For poll(2), rounded up.
  var milliseconds: Int32 {
    guard let end else { return -1 }
    let now = EventLoop.now
    return end > now ? Int32(clamping: (end - now + 999_999) / 1_000_000) : 0
  }
}

extension DaemonConnection {
  /// Waits until `event` is signalled. The event counts when both have come.
  func wait(for event: FileDescriptor, until deadline: Deadline) -> WaitOutcome {
    while true {
      let readable = Int16(POLLIN)
      var entries = [
        pollfd(fd: event.raw, events: readable, revents: 0),
        // Nothing is sent to who has not asked: what can be read is the end.
        pollfd(fd: client.socket.raw, events: readable, revents: 0),
      ]
      let result = unsafe poll(&entries, 2, deadline.milliseconds)
      if result == 0 { return .timedOut }
      if result < 0 {
        if errno == EINTR { continue }
        return .hungUp
      }
      if entries[0].revents != 0 { return .signalled }
      return .hungUp
    }
  }
}
