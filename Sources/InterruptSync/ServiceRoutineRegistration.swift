import CUIO

/// A routine in an object's list, and the means to take it out again (N8).
///
/// The list keeps the registration alive: it may be dropped by those who never cancel.
@safe public final class ServiceRoutineRegistration: @unchecked Sendable {
  let node: UnsafeMutablePointer<RoutineNode>
  /// Out of the list. Belongs to whoever changes the list.
  var isUnlinked = false
  private weak var storage: SyncStorage?
  /// What the context points at, where the registration made it.
  private let owned: AnyObject?

  init(
    _ routine: cuio_routine, context: UnsafeMutableRawPointer?, owning owned: AnyObject?,
    storage: SyncStorage
  ) {
    unsafe node = CacheLine.allocate()
    unsafe node.initialize(to: RoutineNode(routine: routine, context: context, next: nil))
    self.storage = storage
    self.owned = owned
  }

  deinit {
    unsafe node.deinitialize(count: 1)
    unsafe CacheLine.deallocate(node)
  }

  /// Calls that have returned, and claims, so far. Any thread, any level.
  public var statistics: ServiceRoutineStatistics {
    let claims = unsafe cuio_counter_read(&node.pointee.claims)
    let refusals = unsafe cuio_counter_read(&node.pointee.refusals)
    return ServiceRoutineStatistics(calls: claims + refusals, claims: claims)
  }

  /// Takes the routine out of the list. When this returns the routine is not running, unless the
  /// caller is inside it, and will not be called again. Cancelling twice does nothing.
  ///
  /// Any thread and level up to DIRQL; from inside a routine of the object the entry is passed over
  /// from now on and leaves the list with the next registration, cancellation or disconnect.
  public func cancel() {
    guard let storage else { return }
    if storage.lock.isHeldByCaller {
      unsafe node.pointee.isCancelled = true
      return
    }
    storage.holdingLock { unsafe node.pointee.isCancelled = true }
    storage.purgeCancelled()
  }
}
