// Room Serving: what a serving thread knows of the object whose line it serves. SyncStorage, in the
// room above, is its subclass, so that one reference keeps all that a dispatch still needs when the
// object's last reference is released inside one of its routines (N12). Connection calls it on the
// serving thread, the room Object on the caller's. The interrupt lock guards the core, and
// `holdingLock` takes it; everything else here never changes, and any thread reads it.
import CUIO
import Glibc

/// A member of a shared line, which has reports of its own.
protocol ReportingMember: AnyObject {
  /// Delivers what was noted, each report inside a call of `reporting`.
  func report(through reporting: (() -> Void) -> Void)
}

@safe class ServedLine: @unchecked Sendable {
  let name: String
  /// Belongs to the holder of the interrupt lock; see SyncCore.swift.
  let core: Cell<SyncCore>
  let lock: InterruptLock
  let storm: StormPolicy
  /// Of a thread of the line's own.
  let attributes: DispatcherAttributes
  private let handler: (@Sendable (InterruptReport) -> Void)?

  init(
    name: String, lock: InterruptLock, core: SyncCore, storm: StormPolicy,
    attributes: DispatcherAttributes, report handler: (@Sendable (InterruptReport) -> Void)?
  ) {
    self.name = name
    self.lock = lock
    self.storm = storm
    self.attributes = attributes
    self.handler = handler
    self.core = .allocate(core)
  }

  deinit { core.free() }

  /// Of the hub of a shared line: delivers what its members have noted, first to last, each report
  /// inside a call of `reporting`. On the serving thread, without the interrupt lock.
  func reportForMembers(_ reporting: (() -> Void) -> Void) {}

  /// Calls the report handler. Without the interrupt lock.
  func report(_ report: InterruptReport) { handler?(report) }

  /// Runs `body` with the interrupt lock, also when the calling thread has it already, and when it
  /// is inconsistent. For lists and fields that no routine leaves half done.
  func holdingLock<R>(_ body: () -> R) -> R {
    let level = lock.enterAny()
    defer { if level >= 0 { lock.leaveAny(level) } }
    return body()
  }

  /// What a failed acquisition means.
  func refused(_ result: Int32, _ operation: String) -> InterruptSyncError {
    guard lock.isHeldByCaller else {
      if result == -EDEADLK { return Verifier.violation(crossing(operation)) }
      if result == -ECHILD { return belongsToAnotherProcess(operation) }
      return InterruptSyncError(
        .lockOwnerDied, object: name, operation: operation,
        cause: "a thread ended inside a routine; what the routine worked on may be half done",
        hint: "repair that state, then call InterruptLock.repair or interruptsync_lock_repair",
        errno: EOWNERDEAD)
    }
    // The caller owns the lock, so it may write the counter.
    Counter.add(&core.value.counters.refusedCalls, 1)
    return Verifier.violation(wouldDeadlock(operation))
  }

  func wouldDeadlock(_ operation: String) -> InterruptSyncError {
    InterruptSyncError(
      .wouldDeadlock, object: name, operation: operation,
      cause:
        "the calling thread is inside a routine of this object, or of one that shares its lock",
      hint: "call the function directly: the thread already holds the lock")
  }

  private func belongsToAnotherProcess(_ operation: String) -> InterruptSyncError {
    InterruptSyncError(
      .otherProcess, object: name, operation: operation,
      cause: "it belongs to the process from which this one was forked",
      hint: "once that process has ended, as after daemon(3), connect the object again here",
      errno: ECHILD)
  }

  /// The kernel follows the chain of owners and waiters, and has found the caller at its end.
  private func crossing(_ operation: String) -> InterruptSyncError {
    InterruptSyncError(
      .wouldDeadlock, object: name, operation: operation,
      cause: "its lock is held by a thread that waits for a lock of the calling thread",
      hint: "take the locks in one order everywhere, or give the objects one lock (K7)",
      errno: EDEADLK)
  }
}
