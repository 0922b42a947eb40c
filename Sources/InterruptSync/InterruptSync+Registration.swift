extension InterruptSync where State: ~Copyable {
  /// Adds a closure as a service routine (P10). What it captures is sent to it and protected as the
  /// state is. It may be called as soon as it is in the list; the next interrupt after the return
  /// is certain to see it (N7).
  ///
  /// The closure is called at DIRQL on the dispatcher's thread, under the interrupt lock.
  ///
  /// Register at PASSIVE_LEVEL.
  /// - Parameters:
  ///   - first: true puts it at the head, ahead of everything registered so far (P11).
  ///   - routine: looks whether its source asked, serves it, and says so (P15 to P19).
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

extension InterruptSync {
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
