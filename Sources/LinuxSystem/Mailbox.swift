// The way from other threads to the loop's thread. Floor 1. Dispatchers' reports and `vfio-opener`
// post to the daemon's control thread, threads that open or close a VFIO device to `vfio notices`;
// the loop's thread alone receives. A monitor guards the letters and is held for a moment only:
// post without an interrupt lock.
import CLinuxSystem

/// Carries letters from any thread to the loop's thread, where the mailbox's handler gets them in
/// order.
package final class Mailbox<Letter: Sendable>: @unchecked Sendable {
  private let wake: FileDescriptor
  private let monitor = Monitor()
  /// Under the monitor.
  private var letters: [Letter] = []

  init(_ wake: FileDescriptor) { self.wake = wake }

  /// Any thread; never waits for the handler. Letters posted after the loop ends are dropped.
  package func post(_ letter: Letter) {
    let wasEmpty = monitor.locked {
      letters.append(letter)
      return letters.count == 1
    }
    // -EAGAIN: it is awake already.
    if wasEmpty { _ = linux_event_signal(wake.raw, 1) }
  }

  fileprivate func collect() -> [Letter] {
    _ = linux_event_drain(wake.raw)
    return monitor.locked {
      defer { letters = [] }
      return letters
    }
  }
}

extension EventLoop {
  /// Makes a mailbox whose letters `handler` gets on the loop's thread.
  /// - Throws: `SystemError`: EMFILE, ENFILE or ENOMEM.
  package func mailbox<Letter: Sendable>(
    of type: Letter.Type = Letter.self, _ handler: @escaping (Letter) -> Void
  ) throws(SystemError) -> Mailbox<Letter> {
    let wake = try Self.descriptor(linux_event_create(), "make a mailbox")
    let mailbox = Mailbox<Letter>(wake)
    try watch(wake, for: .readable) { _ in
      for letter in mailbox.collect() { handler(letter) }
    }
    return mailbox
  }
}
