/// A service routine that is a type: its stored properties are protected by the interrupt lock just
/// as the shared state is, because only `serve(_:)` reaches them once it is registered.
///
/// An interrupt calls it through plain pointers and counts no reference. For a state that is
/// `~Copyable`, register a closure instead: an associated type cannot be noncopyable yet.
public protocol ServiceRoutine<State>: ~Copyable {
  /// The state of the `InterruptSync` it is registered with.
  associatedtype State

  /// Looks whether its source asks for service, and serves it.
  ///
  /// On the dispatcher's thread at DIRQL, with the interrupt lock held; must not block, throw or
  /// wait. Never runs concurrently with itself, another routine or a synchronized body (P8, P31).
  /// - Returns: whether the interrupt was its own (P15 to P19).
  mutating func serve(_ state: inout State) -> Disposition
}
