// A mutex with one condition: the control plane's lock (connect, disconnect, registration, deferred
// flush). Floor 1; any thread. A dispatcher never takes it between an interrupt and its re-arm, but
// before and after: so its holder inherits the priority of a real-time dispatcher that waits for it.
import Glibc

/// A mutex with one condition.
@safe package final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let condition: UnsafeMutablePointer<pthread_cond_t>

  package init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe condition = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    prepare()
  }

  deinit {
    unsafe pthread_cond_destroy(condition)
    unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Frees it in a forked child, in which the thread that held it does not exist.
  package func reinitialize() { prepare() }

  private func prepare() {
    var attributes = pthread_mutexattr_t()
    unsafe pthread_mutexattr_init(&attributes)
    // Where the kernel lacks priority inheritance, it is an ordinary mutex.
    unsafe pthread_mutexattr_setprotocol(&attributes, Int32(PTHREAD_PRIO_INHERIT))
    if unsafe pthread_mutex_init(mutex, &attributes) != 0 {
      unsafe pthread_mutex_init(mutex, nil)
    }
    unsafe pthread_mutexattr_destroy(&attributes)
    unsafe pthread_cond_init(condition, nil)
  }

  package func locked<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    unsafe pthread_mutex_lock(mutex)
    defer { unsafe pthread_mutex_unlock(mutex) }
    return try body()
  }

  /// Waits while `condition` holds, with the mutex held before and after.
  package func wait(while condition: () -> Bool) {
    while condition() { unsafe pthread_cond_wait(self.condition, mutex) }
  }

  /// Wakes every waiter. With the mutex held.
  package func broadcast() { unsafe pthread_cond_broadcast(condition) }
}
