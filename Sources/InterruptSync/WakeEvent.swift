import CUIO
import Synchronization
import UIO

/// An eventfd that is never closed but kept for the next user: a wake-up that was put off until the
/// interrupt lock is free may come after its queue has gone, and must then hit nothing but a
/// sleeper who looks around and sleeps on.
struct WakeEvent: Sendable {
  let fd: Int32
  private static let free = Pool()

  private final class Pool: @unchecked Sendable {
    private let monitor = Monitor()
    private var events: [Int32] = []

    func take() -> Int32? { monitor.locked { events.popLast() } }
    func put(_ fd: Int32) { monitor.locked { events.append(fd) } }
  }

  static func take(
    for name: String, operation: String = "make a deferred queue"
  ) throws(InterruptSyncError) -> WakeEvent {
    if let fd = free.take() { return WakeEvent(fd: fd) }
    let fd = cuio_event_create()
    guard fd >= 0 else {
      throw InterruptSyncError(
        .resourcesExhausted, object: name, operation: operation,
        cause: "no eventfd to be had", errno: -fd)
    }
    return WakeEvent(fd: fd)
  }

  func giveBack() { Self.free.put(fd) }

  /// From a routine once the lock is free: nobody is woken to run into it.
  func signal() { cuio_thread_wake(fd) }

  /// At once, for a caller that is about to wait for the sleeper.
  func signalNow() { _ = cuio_event_signal(fd, 1) }

  func wait() {
    if cuio_wait(-1, fd, -1, false) > 0 { _ = cuio_event_drain(fd) }
  }
}
