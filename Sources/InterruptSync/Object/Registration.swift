// Room Object: adds service routines. Drivers call it through `Interrupt`, the C and Windows
// layers, the daemon and SharedLine directly: on the caller's thread at PASSIVE_LEVEL, without the
// interrupt lock. It takes registering, then the object's monitor for a moment, then the interrupt
// lock for the link. The list itself, and cancelling, are in SyncStorage.swift.
import CUIO
import LinuxSystem

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
      storage.holdingLock { storage.core.link(registration.node, first: first) }
    }
    return registration
  }
}

/// Keeps a closure that a context pointer refers to.
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
