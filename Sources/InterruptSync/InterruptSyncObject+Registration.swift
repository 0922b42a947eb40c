import CUIO
import UIO

extension InterruptSyncObject {
  /// Adds a service routine (P10). It may be called as soon as it is in the list; the next
  /// interrupt after the return is certain to see it (N7). The same routine may be registered more
  /// than once (P14).
  ///
  /// - Parameters:
  ///   - routine: called at DIRQL with the object and `context`; STATUS_SUCCESS claims the
  ///     interrupt.
  ///   - context: handed to each call unchanged (P12); it must live as long as the registration.
  ///   - first: true puts it at the head, ahead of everything registered so far (P11).
  /// - Throws: `wrongLevel` above PASSIVE_LEVEL, `wouldDeadlock` under the object's lock.
  @discardableResult
  public func registerServiceRoutine(
    _ routine: InterruptSyncRoutine, context: UnsafeMutableRawPointer?, first: Bool = false
  ) throws(InterruptSyncError) -> ServiceRoutineRegistration {
    unsafe try insert(routine, context, owning: nil, first)
  }

  /// Adds a closure as a service routine. Each call of it counts one reference; a C-shaped routine
  /// counts none.
  ///
  /// - Throws: `wrongLevel` above PASSIVE_LEVEL, `wouldDeadlock` under the object's lock.
  @discardableResult
  public func registerServiceRoutine(
    first: Bool = false, _ routine: @escaping @Sendable () -> NTStatus
  ) throws(InterruptSyncError) -> ServiceRoutineRegistration {
    let box = RoutineBox(routine)
    let context = unsafe Unmanaged.passUnretained(box).toOpaque()
    return unsafe try insert(RoutineBox.call, context, owning: box, first)
  }

  func insert(
    _ routine: cuio_routine, _ context: UnsafeMutableRawPointer?, owning owned: AnyObject?,
    _ first: Bool
  ) throws(InterruptSyncError) -> ServiceRoutineRegistration {
    try storage.requirePassive("register a service routine")
    let registration = unsafe ServiceRoutineRegistration(
      routine, context: context, owning: owned, storage: storage)
    storage.purgeCancelled()
    storage.registering.locked {
      storage.monitor.locked {
        storage.registrations.insert(registration, at: first ? 0 : storage.registrations.count)
      }
      storage.holdingLock { unsafe storage.link(registration.node, first: first) }
    }
    return registration
  }
}

/// Keeps a closure behind a context pointer.
private final class RoutineBox: Sendable {
  let routine: @Sendable () -> NTStatus

  init(_ routine: @escaping @Sendable () -> NTStatus) { self.routine = routine }

  static let call: InterruptSyncRoutine = { _, context in
    guard let context = unsafe context else { return NTStatus.invalidParameter.rawValue }
    return unsafe Unmanaged<RoutineBox>.fromOpaque(context)._withUnsafeGuaranteedRef {
      $0.routine().rawValue
    }
  }
}

extension SyncStorage {
  /// Puts a node into the list in one step for whoever walks it next. With the interrupt lock held.
  func link(_ node: UnsafeMutablePointer<RoutineNode>, first: Bool) {
    guard !first, var last = unsafe core.pointee.head else {
      unsafe node.pointee.next = core.pointee.head
      unsafe core.pointee.head = node
      return
    }
    while let next = unsafe last.pointee.next { unsafe last = next }
    unsafe last.pointee.next = node
  }

  /// Takes out what was cancelled from inside a routine. From a thread that does not hold the
  /// interrupt lock.
  func purgeCancelled() {
    registering.locked {
      let all = monitor.locked { registrations }
      var hasUnlinked = false
      holdingLock {
        for registration in all where unsafe registration.node.pointee.isCancelled {
          unlink(registration)
          registration.isUnlinked = true
          hasUnlinked = true
        }
      }
      if hasUnlinked { monitor.locked { registrations.removeAll(where: \.isUnlinked) } }
    }
  }

  /// The check behind every call that belongs to ordinary code (4.6, N4, N23).
  func requirePassive(_ operation: String) throws(InterruptSyncError) {
    guard lock.isHeldByCaller || InterruptLevel.current > .passive else { return }
    if lock.isHeldByCaller { throw Verifier.violation(wouldDeadlock(operation)) }
    throw Verifier.violation(
      InterruptSyncError(
        .wrongLevel, object: name, operation: operation,
        cause: "called at \(InterruptLevel.current); the call belongs at PASSIVE_LEVEL",
        hint:
          "call it from an ordinary thread, outside of service, synchronized and deferred routines")
    )
  }

  func wouldDeadlock(_ operation: String) -> InterruptSyncError {
    InterruptSyncError(
      .wouldDeadlock, object: name, operation: operation,
      cause:
        "the calling thread is inside a routine of this object, or of one that shares its lock",
      hint: "call the function directly: the thread has the exclusion already")
  }
}
