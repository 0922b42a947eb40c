/// Owns the memory of an `InterruptSync`'s state. Owned in turn by the sync storage, which outlives
/// the last dispatcher, so that the state is destroyed only after the last routine has left (N12).
@safe final class StateBox<State: ~Copyable>: @unchecked Sendable {
  let pointer: UnsafeMutablePointer<State>

  init(_ initial: consuming sending State) {
    unsafe pointer = .allocate(capacity: 1)
    unsafe pointer.initialize(to: initial)
  }

  deinit {
    unsafe pointer.deinitialize(count: 1)
    unsafe pointer.deallocate()
  }
}
