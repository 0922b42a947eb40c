// Room Swift: typed service routines. Drivers register them on their own thread at PASSIVE_LEVEL,
// without the interrupt lock (Registration.swift). The dispatch calls them on the serving thread at
// DIRQL under the interrupt lock: they must not wait.
//
// Between the untyped walk and a typed routine: the walk calls a C function with the entry's
// address; that calls the thunk, which the client's compiler has made for the routine's type. Both
// are borrowed from immutable properties, so that an interrupt counts no references.

/// What a service routine says about an interrupt (P15 to P19).
public enum Disposition: Sendable, CaseIterable {
  /// The routine's source had asked for service and was served: STATUS_SUCCESS. In mode normal no
  /// later routine is called (P15).
  case claimed
  /// The routine's source had not asked: STATUS_UNSUCCESSFUL. To claim without having looked hangs
  /// mode repeat (P18) and hides storms (N20).
  case notMine

  /// The status that the untyped surfaces carry for it.
  package var status: NTStatus { self == .claimed ? .success : .unsuccessful }

  /// For the thunks that clients compile.
  @inlinable var rawStatus: Int32 {
    switch self {
    case .claimed: 0
    case .notMine: Int32(bitPattern: 0xC000_0001)
    }
  }
}

/// A service routine that is a type: its stored properties are protected by the interrupt lock just
/// as the shared state is, because only `serve(_:)` reaches them once it is registered.
///
/// An interrupt calls it through plain pointers and counts no reference. For a state that is
/// `~Copyable`, register a closure instead: an associated type cannot be noncopyable yet.
public protocol ServiceRoutine<State>: ~Copyable {
  /// The state of the `Interrupt` it is registered with.
  associatedtype State

  /// Checks whether its source asks for service, and serves it.
  ///
  /// On the dispatcher's thread at DIRQL, with the interrupt lock held; must not block, throw or
  /// wait. Never runs concurrently with itself, another routine or a synchronized body (P8, P31).
  /// - Returns: whether the interrupt was its own (P15 to P19).
  mutating func serve(_ state: inout State) -> Disposition
}

extension Interrupt where State: ~Copyable {
  /// Adds a closure as a service routine (P10). What it captures is sent to it and protected as the
  /// state is. It may be called as soon as it is in the list; the next interrupt after the return
  /// is certain to see it (N7).
  ///
  /// The closure is called at DIRQL on the dispatcher's thread, under the interrupt lock.
  ///
  /// Register at PASSIVE_LEVEL.
  /// - Parameters:
  ///   - first: true puts it at the head, ahead of everything registered so far (P11).
  ///   - routine: checks whether its source asked, serves it, and says so (P15 to P19).
  /// - Returns: the means to take it out again (N8); it may be dropped.
  /// - Throws: `wrongLevel` above PASSIVE_LEVEL, `wouldDeadlock` under the object's lock.
  @inlinable @discardableResult
  public func register(
    first: Bool = false, _ routine: sending @escaping (inout State) -> Disposition
  ) throws(InterruptSyncError) -> ServiceRoutineRegistration {
    let closure = unsafe Unmanaged.passRetained(RoutineClosure(routine)).toOpaque()
    let entry = unsafe RoutineEntry(
      routine: closure, state: pointer,
      thunk: { closure, state in
        unsafe Unmanaged<RoutineClosure<State>>.fromOpaque(closure)._withUnsafeGuaranteedRef {
          unsafe $0.body(&state.assumingMemoryBound(to: State.self).pointee).rawStatus
        }
      },
      destroy: { unsafe Unmanaged<RoutineClosure<State>>.fromOpaque($0).release() })
    return try object.register(entry, first: first)
  }
}

extension Interrupt {
  /// Adds a service routine that is a type with stored properties of its own (P10, N7).
  ///
  /// Register at PASSIVE_LEVEL.
  /// - Parameters:
  ///   - routine: moved in. It is destroyed when it has left the list and its registration is gone.
  ///   - first: true puts it at the head, ahead of everything registered so far (P11).
  /// - Returns: the means to take it out again (N8); it may be dropped.
  /// - Throws: `wrongLevel` above PASSIVE_LEVEL, `wouldDeadlock` under the object's lock.
  @inlinable @discardableResult
  public func register<Routine: ServiceRoutine & ~Copyable>(
    first: Bool = false, _ routine: consuming sending Routine
  ) throws(InterruptSyncError) -> ServiceRoutineRegistration where Routine.State == State {
    let memory = UnsafeMutablePointer<Routine>.allocate(capacity: 1)
    unsafe memory.initialize(to: routine)
    let entry = unsafe RoutineEntry(
      routine: memory, state: pointer,
      thunk: { routine, state in
        unsafe routine.assumingMemoryBound(to: Routine.self).pointee.serve(
          &state.assumingMemoryBound(to: State.self).pointee
        ).rawStatus
      },
      destroy: { routine in
        unsafe routine.assumingMemoryBound(to: Routine.self).deinitialize(count: 1)
        unsafe routine.deallocate()
      })
    return try object.register(entry, first: first)
  }
}

/// A registered closure. In an immutable property of an object, and not in plain memory, so that a
/// call borrows it and counts no reference.
@usableFromInline final class RoutineClosure<State: ~Copyable> {
  @usableFromInline let body: (inout State) -> Disposition

  @usableFromInline init(_ body: @escaping (inout State) -> Disposition) { self.body = body }
}

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
