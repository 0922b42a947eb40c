// Room Core: the interrupt lock as an object, and the pool that locks come from. The rooms Object,
// Serving and Swift take it, and so do the C and Windows layers; drivers make one to share it, and
// repair it. Any thread, at any level up to DIRQL. While you hold it, take only a monitor for a
// moment or, with a hub's, a member's lock. Code that runs a routine uses `enter` and `leave`,
// which also raise and restore the thread's level. Making and releasing one takes the pool's
// monitor; the memory is reused, never freed.
package import CUIO
import LinuxSystem
import Synchronization

/// The lock that makes service routines and synchronized routines exclude each other (N1).
///
/// Each object makes its own; give one lock to several objects and no two routines of any of them
/// run at once (K7). Priority-inheriting, not recursive, blocking (N6).
@safe public final class InterruptLock: @unchecked Sendable {
  package let raw: UnsafeMutablePointer<cuio_lock>

  /// A free lock, for several objects to share (K7); an object that is given none makes its own.
  public init() { unsafe raw = LockPool.take() }

  deinit { unsafe LockPool.giveBack(raw) }

  /// False once a thread has ended inside a routine: what the lock guards may be half done, and
  /// every call that would take the lock throws `lockOwnerDied` until `repair(_:)`.
  public var isConsistent: Bool { unsafe !cuio_lock_is_inconsistent(raw) }

  /// Runs `body` with the lock, at DIRQL, after a thread has ended inside a routine. `body` repairs
  /// what the routine left half done; from its end on the lock is as any other. The objects
  /// that have it can be connected again.
  ///
  /// Any level up to DIRQL.
  /// - Returns: false when there is nothing to repair, or the calling thread holds the lock, or the
  ///   lock belongs to another process: `body` has not run then.
  @discardableResult public func repair(_ body: () -> Void) -> Bool {
    guard unsafe cuio_lock_repair(raw) == 0 else { return false }
    let level = cuio_thread_set_level(CUIO_LEVEL_DEVICE)
    defer { leave(level) }
    body()
    return true
  }

  /// Whether the calling thread holds it.
  public var isHeldByCaller: Bool { unsafe cuio_lock_is_owned(raw) }

  /// Whether some thread holds it at this moment. What the holder did is visible once no thread
  /// does.
  package var isLocked: Bool { unsafe cuio_lock_is_held(raw) }

  /// Acquisitions that had to wait.
  public var contentions: UInt64 { unsafe cuio_counter_read(&raw.pointee.contentions) }

  /// Longest wait for it.
  public var longestWait: Duration {
    let ticks = unsafe cuio_counter_read(&raw.pointee.longest_wait)
    return .nanoseconds(linux_ticks_to_nanoseconds(ticks))
  }

  /// Acquires, and raises the thread to DIRQL.
  /// - Returns: the level that `leave(_:)` restores, or a negative error number: -EDEADLK when the
  ///   calling thread holds the lock, or one that the lock's holder waits for; -EOWNERDEAD when a
  ///   thread ended with it; -ECHILD in a forked child.
  @inline(__always) func enter() -> Int32 { unsafe cuio_lock_enter(raw, nil) }

  /// Restores the level and releases; wake-ups that were put off go out.
  @inline(__always) func leave(_ level: Int32) { unsafe cuio_lock_leave(raw, level) }

  /// As `enter()`, also while the lock is inconsistent: for changes of lists, which no routine
  /// leaves half done.
  func enterAny() -> Int32 {
    let result = unsafe cuio_lock_acquire_any(raw)
    return result == 0 ? cuio_thread_set_level(CUIO_LEVEL_DEVICE) : result
  }

  /// After `enterAny()`. An inconsistent lock stays that.
  func leaveAny(_ level: Int32) {
    _ = cuio_thread_set_level(level)
    unsafe cuio_lock_release_as_found(raw)
    cuio_thread_left_lock()
  }

  /// Makes it the calling child's, whose parent has ended.
  func adopt() { unsafe cuio_lock_adopt(raw) }

  // Without a level, for spin locks that interrupts may share (K7).

  /// Acquires.
  /// - Returns: 0, or a negative error number: -EDEADLK when the calling thread holds it already.
  package func acquire() -> Int32 { unsafe cuio_lock_acquire(raw) }

  /// Acquires only if the lock is free.
  package func tryAcquire() -> Bool { unsafe cuio_lock_acquire_for(raw, 0) == 0 }

  /// Acquires, or times out. Any level at which the caller may wait that long.
  /// - Returns: as `acquire()`, or -ETIMEDOUT.
  package func acquire(withinNanoseconds limit: Int64) -> Int32 {
    unsafe cuio_lock_acquire_for(raw, limit)
  }

  /// Releases, at the level that the thread has; wake-ups that were put off go out.
  package func release() { leave(cuio_thread_level()) }
}

/// Type-stable memory: what was a lock stays a lock. A thread that found the address through a
/// handle may acquire it and then see, holding it, whether the handle still leads to it.
private enum LockPool {
  private static let monitor = Monitor()
  /// The generation of the process whose locks are in the pool.
  private static let owner = Atomic<UInt32>(ProcessOwner().generation)
  nonisolated(unsafe) private static var ended: [UnsafeMutablePointer<cuio_lock>] = unsafe []

  /// A free lock.
  static func take() -> UnsafeMutablePointer<cuio_lock> {
    enterProcess()
    let again = unsafe monitor.locked { () -> UnsafeMutablePointer<cuio_lock>? in
      // One may still be held: for a moment by a caller that came too late, or for as long as it
      // runs by a routine that released its own object.
      guard let index = unsafe ended.lastIndex(where: { unsafe !cuio_lock_is_held($0) }) else {
        return nil
      }
      return unsafe ended.remove(at: index)
    }
    if let again = unsafe again {
      unsafe cuio_lock_reset(again)
      return unsafe again
    }
    // Apart: dispatchers of other objects on other processors write theirs.
    let made: UnsafeMutablePointer<cuio_listed_lock> = unsafe CacheLine.allocate()
    unsafe made.initialize(to: cuio_listed_lock())
    unsafe cuio_lock_enlist(made)
    return unsafe made.pointer(to: \.lock)!
  }

  /// A forked child begins with an empty pool: a thread that does not exist may have been working on
  /// its parent's.
  private static func enterProcess() {
    let current = ProcessOwner().generation
    guard owner.exchange(current, ordering: .relaxed) != current else { return }
    monitor.reinitialize()
    unsafe ended = []
  }

  static func giveBack(_ lock: UnsafeMutablePointer<cuio_lock>) {
    enterProcess()
    monitor.locked { unsafe ended.append(lock) }
  }
}
