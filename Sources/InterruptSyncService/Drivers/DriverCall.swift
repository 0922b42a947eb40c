// Drivers room. The calls of a driver's start and stop functions: HostedDriver makes them on the
// control thread, without a lock, and each runs on a thread of its own, at PASSIVE_LEVEL, so that
// the control thread waits for it only so long. A driver that does not return keeps its thread, its
// code and its memory until the process ends; the daemon goes on.
import CUIO
import InterruptSync
import LinuxSystem

enum DriverCall {
  /// The longest time that the control thread waits. A driver may reset its hardware meanwhile.
  static let limit = Duration.seconds(2)

  /// Runs `body` on a new thread.
  /// - Returns: whether it has returned in time. If not, it still runs.
  /// - Throws: `SystemError` when the thread or its eventfd cannot be created; `body` has not run.
  static func run(
    _ name: String, within limit: Duration = limit, _ body: @escaping @Sendable () -> Void
  ) throws(SystemError) -> Bool {
    let done = try FileDescriptor.event()
    try WorkerThread(name: name) {
      body()
      _ = linux_event_signal(done.raw, 1)
    }.detach()
    let milliseconds = Int32(clamping: limit.inNanoseconds / 1_000_000)
    guard cuio_wait(-1, done.raw, milliseconds, false) > 0 else { return false }
    // The read makes what `body` wrote visible here.
    return linux_event_drain(done.raw) == 0
  }
}
