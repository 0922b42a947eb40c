import CLinuxSystem
import Glibc

/// The way from other threads to the loop's: what is posted is given to the mailbox's handler
/// there, in order.
@safe package final class Mailbox<Letter: Sendable>: @unchecked Sendable {
  private let wake: FileDescriptor
  /// A POSIX mutex, which the thread sanitizer knows.
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  /// Under the mutex.
  private var letters: [Letter] = []

  init(_ wake: FileDescriptor) {
    self.wake = wake
    unsafe mutex = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe pthread_mutex_init(mutex, nil)
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe mutex.deallocate()
  }

  private func locked<R>(_ body: () -> R) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return body()
  }

  /// Any thread; never waits for the handler. After the loop's end nothing comes of it.
  package func post(_ letter: Letter) {
    let wasEmpty = locked {
      letters.append(letter)
      return letters.count == 1
    }
    if wasEmpty { cvarlink_wake(wake.raw) }
  }

  fileprivate func collect() -> [Letter] {
    cvarlink_settle(wake.raw)
    return locked {
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
    let wake = try Self.descriptor(cvarlink_wake_create(), "make a mailbox")
    let mailbox = Mailbox<Letter>(wake)
    try watch(wake, for: .readable) { _ in
      for letter in mailbox.collect() { handler(letter) }
    }
    return mailbox
  }
}
