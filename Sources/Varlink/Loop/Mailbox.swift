import CVarlink
import Synchronization
import UIO

/// The way from other threads to the loop's: what is posted is given to the mailbox's handler
/// there, in order.
package final class Mailbox<Letter: Sendable>: Sendable {
  private let wake: FileDescriptor
  private let letters = Mutex<[Letter]>([])

  init(_ wake: FileDescriptor) { self.wake = wake }

  /// Any thread; never waits for the handler. After the loop's end nothing comes of it.
  package func post(_ letter: Letter) {
    let wasEmpty = letters.withLock { letters in
      letters.append(letter)
      return letters.count == 1
    }
    if wasEmpty { cvarlink_wake(wake.raw) }
  }

  fileprivate func collect() -> [Letter] {
    cvarlink_settle(wake.raw)
    return letters.withLock { letters in
      defer { letters = [] }
      return letters
    }
  }
}

extension EventLoop {
  /// Makes a mailbox whose letters `handler` gets on the loop's thread.
  /// - Throws: `resourcesExhausted`, or `unexpected`.
  package func mailbox<Letter: Sendable>(
    of type: Letter.Type = Letter.self, _ handler: @escaping (Letter) -> Void
  ) throws(VarlinkError) -> Mailbox<Letter> {
    let wake = try Self.descriptor(cvarlink_wake_create(), "make a mailbox")
    let mailbox = Mailbox<Letter>(wake)
    try watch(wake, for: .readable) { _ in
      for letter in mailbox.collect() { handler(letter) }
    }
    return mailbox
  }
}
