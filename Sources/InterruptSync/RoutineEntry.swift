// Between the untyped walk and a typed routine. The walk calls a C function with this object's
// address; that calls the thunk, which the client's compiler has made for the routine's type. Both
// are borrowed from immutable properties, so that an interrupt counts no references.

/// One registered typed routine: its memory, the state it serves, and how to call and destroy it.
@safe @usableFromInline final class RoutineEntry: @unchecked Sendable {
  @usableFromInline typealias Thunk =
    (_ routine: UnsafeMutableRawPointer, _ state: UnsafeMutableRawPointer) -> Int32

  private let thunk: Thunk
  private let routine: UnsafeMutableRawPointer
  private let state: UnsafeMutableRawPointer
  private let destroy: (UnsafeMutableRawPointer) -> Void

  /// - Parameters:
  ///   - routine: handed over; `destroy` ends it.
  ///   - state: lives as long as the storage that the entry is registered with.
  @usableFromInline init(
    routine: UnsafeMutableRawPointer, state: UnsafeMutableRawPointer, thunk: @escaping Thunk,
    destroy: @escaping (UnsafeMutableRawPointer) -> Void
  ) {
    unsafe self.thunk = unsafe thunk
    unsafe self.routine = unsafe routine
    unsafe self.state = unsafe state
    unsafe self.destroy = unsafe destroy
  }

  deinit { unsafe destroy(routine) }

  /// What the walk calls.
  static let call: InterruptSyncRoutine = { _, context in
    guard let context = unsafe context else { return NTStatus.invalidParameter.rawValue }
    return unsafe Unmanaged<RoutineEntry>.fromOpaque(context)._withUnsafeGuaranteedRef {
      unsafe $0.thunk($0.routine, $0.state)
    }
  }
}

extension InterruptSyncObject {
  /// Registers a typed routine; the registration keeps the entry.
  @usableFromInline func register(_ entry: RoutineEntry, first: Bool) throws(InterruptSyncError)
    -> ServiceRoutineRegistration
  {
    let context = unsafe Unmanaged.passUnretained(entry).toOpaque()
    return unsafe try insert(RoutineEntry.call, context, owning: entry, first)
  }
}
