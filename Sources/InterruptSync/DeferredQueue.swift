// The thread behind deferred routines. Queueing is one exchange and never waits, so that a service
// routine may do it.
import CUIO
import Glibc
import Synchronization
import UIO

/// Runs deferred routines one after the other, in the order in which they were queued, on a thread
/// of its own.
public final class DeferredQueue: Sendable {
  private let worker: DeferredWorker

  /// Starts the thread.
  /// - Throws: `resourcesExhausted`.
  public init(name: String = "deferred", attributes: DispatcherAttributes = DispatcherAttributes())
    throws(InterruptSyncError)
  {
    worker = try DeferredWorker(name: name, level: .dispatch, attributes: attributes)
  }

  /// The same for routines that run at PASSIVE_LEVEL (D14).
  package init(passive name: String) throws(InterruptSyncError) {
    worker = try DeferredWorker(name: name, level: .passive, attributes: DispatcherAttributes())
  }

  /// Waits for the thread, unless a deferred routine dropped the last reference. What is still
  /// queued has run by then: each queued routine keeps its queue.
  deinit { worker.stop() }

  func link(_ routine: Unmanaged<DeferredRoutine>) { unsafe worker.link(routine) }

  /// Waits until everything queued before the call has run (KeFlushQueuedDpcs, D3). What is queued
  /// meanwhile may or may not have.
  ///
  /// PASSIVE_LEVEL.
  /// - Throws: `wrongLevel` from service, synchronized and deferred routines, and from any routine of the queue's own.
  public func flush() throws(InterruptSyncError) {
    guard InterruptLevel.current == .passive, !worker.isCaller else {
      throw Verifier.violation(
        InterruptSyncError(
          .wrongLevel, object: worker.name, operation: "flush deferred routines",
          cause: worker.isCaller
            ? "called by one of its routines, which would wait for itself"
            : "called at \(InterruptLevel.current), where it could wait for itself",
          hint: "flush from an ordinary thread"))
    }
    let done = Monitor()
    let isDone = Atomic<Bool>(false)
    let marker = DeferredRoutine(on: self) {
      done.locked {
        isDone.store(true, ordering: .releasing)
        done.broadcast()
      }
    }
    unsafe marker.enqueue()
    done.locked { done.wait { !isDone.load(ordering: .acquiring) } }
  }
}
