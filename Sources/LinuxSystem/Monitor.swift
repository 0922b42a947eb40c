// A mutex with one condition: order 4 in the map's table of locks, and order 1 for registering.
// Floor 1; every floor above makes some, and takes them on any thread, never the same one twice. A
// dispatcher never takes one between an interrupt and its re-arm, but before and after: so its
// holder inherits the priority of a real-time dispatcher that waits for it.
import CLinuxSystem
import Glibc

/// A mutex with one condition.
@safe package final class Monitor: @unchecked Sendable {
  private let mutex: UnsafeMutablePointer<pthread_mutex_t>
  private let changes: UnsafeMutablePointer<UInt32>
  /// Guarded by the mutex, as the next.
  private var waiters = 0
  /// Waiters are woken when the mutex is free: before, each would run into it, and get it from the
  /// kernel before it has a processor.
  private var mustWake = false

  package init() {
    unsafe mutex = .allocate(capacity: 1)
    unsafe changes = .allocate(capacity: 1)
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe changes.initialize(to: 0)
    prepare()
  }

  deinit {
    unsafe pthread_mutex_destroy(mutex)
    unsafe changes.deallocate()
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
    waiters = 0
    mustWake = false
  }

  package func locked<R, E: Error>(_ body: () throws(E) -> R) throws(E) -> R {
    unsafe linux_mutex_lock(mutex)
    defer { leave() }
    return try body()
  }

  private func leave() {
    let wakes = mustWake
    mustWake = false
    unsafe pthread_mutex_unlock(mutex)
    if wakes { unsafe linux_changes_publish(changes) }
  }

  /// Waits while `condition` holds, with the mutex held before and after.
  package func wait(while condition: () -> Bool) {
    while condition() {
      let seen = unsafe linux_changes_seen(changes)
      waiters += 1
      leave()
      unsafe linux_changes_wait(changes, seen)
      unsafe linux_mutex_lock(mutex)
      waiters -= 1
    }
  }

  /// Wakes every waiter once the caller leaves or waits, and waits for none. With the mutex held.
  package func broadcast() { if waiters > 0 { mustWake = true } }
}
