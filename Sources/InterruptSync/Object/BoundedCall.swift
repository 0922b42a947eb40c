// Room Object: calls that wait for the interrupt lock only so long, for a thread that serves others
// as well. The daemon makes them on its control thread at PASSIVE_LEVEL: transactions, and the
// check whether a device answers. The routine runs at DIRQL under the object's interrupt lock. A
// routine that hangs then stops its own line and no other.
import CUIO
import Glibc

extension InterruptSyncObject {
  /// Runs a closure as `callSynchronizedRoutine` does, if it gets the lock in time.
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `busy` when a routine, or another caller, held the lock for all of `limit`;
  ///   `wouldDeadlock`, `lockOwnerDied`. The closure has not run then.
  package func callSynchronizedRoutine<R>(
    within limit: Duration, _ routine: () -> R
  ) throws(InterruptSyncError) -> R {
    let core = storage.core
    let level = unsafe cuio_lock_enter_for(
      core.value.entry.lock, &core.value.entry.calls, Int64(clamping: limit.inNanoseconds))
    guard level >= 0 else { throw busy(level, limit, "call a synchronized routine") }
    defer { core.leave(level) }
    return routine()
  }

  private func busy(_ result: Int32, _ limit: Duration, _ operation: String) -> InterruptSyncError {
    guard result == -ETIMEDOUT else { return refused(result, operation) }
    return InterruptSyncError(
      .busy, object: name, operation: operation,
      cause: "a routine has held the interrupt lock for more than \(limit)",
      hint: "look for the routine that does not return; it must not wait", errno: ETIMEDOUT)
  }

  /// Whether connecting, disconnecting and changes of the list need not wait longer than `limit`: no
  /// routine holds the object's lock, nor keeps the thread of its group from the other members.
  ///
  /// PASSIVE_LEVEL. A routine may begin to hang right after the answer.
  package func isResponsive(within limit: Duration) -> Bool {
    let end = linux_nanoseconds() + min(limit.inNanoseconds, .max / 2)
    let others = storage.options.group?.worker.locks ?? []
    return ([lock] + others).allSatisfy { lock in
      let now = linux_nanoseconds()
      return lock.isFree(within: .nanoseconds(now < end ? end - now : 0))
    }
  }
}

extension InterruptLock {
  /// Whether the calling thread can have the lock within `limit`. A lock whose owner has died is
  /// free for that: no thread will release it, and a caller is refused at once.
  package func isFree(within limit: Duration) -> Bool {
    switch acquire(withinNanoseconds: Int64(clamping: limit.inNanoseconds)) {
    case 0:
      release()
      return true
    case -ETIMEDOUT: return false
    default: return true
    }
  }
}
