// How tests wait: for an event or for a statistic that only grows, never for time to pass. The
// deadline is there to turn a hang into a failure and is far above anything a slow machine needs.
import Glibc
import Synchronization
import LinuxSystem

/// Seconds after which a test gives up.
let patience = 60

/// Something that was waited for did not come.
struct Hung: Error, CustomStringConvertible {
  let description: String
  init(_ what: String) { description = "did not come within \(patience) s: \(what)" }
}

/// Polls `condition` until it holds.
func eventually(_ what: @autoclosure () -> String, _ condition: () -> Bool) throws {
  let deadline = time(nil) + patience
  while !condition() {
    guard time(nil) < deadline else { throw Hung(what()) }
    usleep(200)
  }
}

/// A counting event.
final class Signal: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var raised = 0

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func raise(_ count: Int = 1) {
    pthread_mutex_lock(mutex)
    raised += count
    pthread_cond_broadcast(condition)
    pthread_mutex_unlock(mutex)
  }

  /// How often it was raised and not yet waited for.
  var pending: Int {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    return raised
  }

  /// Waits until it was raised `count` times and takes those away.
  func wait(_ what: String, count: Int = 1) throws {
    if !take(count) { throw Hung(what) }
  }

  /// The same inside routines, which cannot throw; false when it did not come.
  @discardableResult
  func take(_ count: Int = 1) -> Bool {
    var deadline = timespec()
    clock_gettime(CLOCK_REALTIME, &deadline)
    deadline.tv_sec += patience
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while raised < count {
      if pthread_cond_timedwait(condition, mutex, &deadline) == ETIMEDOUT { return false }
    }
    raised -= count
    return true
  }
}

/// A thread of a test's own.
final class Worker: Sendable {
  private let thread: WorkerThread
  private let done: Signal

  init(_ body: @escaping @Sendable () -> Void) {
    let done = Signal()
    self.done = done
    do {
      thread = try WorkerThread(name: "test") {
        body()
        done.raise()
      }
    } catch { preconditionFailure("cannot create a thread: \(error)") }
  }

  /// Waits for its end.
  func join(_ what: String = "end of a test's thread") throws {
    try done.wait(what)
    thread.join()
  }
}

/// A routine waits here until the test lets it go on.
final class Gate: Sendable {
  private let entered = Atomic(false)
  private let opened = Atomic(false)
  var isEntered: Bool { entered.load(ordering: .acquiring) }
  func wait() {
    entered.store(true, ordering: .releasing)
    while !opened.load(ordering: .acquiring) { usleep(100) }
  }
  func open() { opened.store(true, ordering: .releasing) }
}
