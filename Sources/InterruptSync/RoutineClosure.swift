/// A registered closure. In an immutable property of an object, and not in plain memory, so that a
/// call borrows it and counts no reference.
@usableFromInline final class RoutineClosure<State: ~Copyable> {
  @usableFromInline let body: (inout State) -> Disposition

  @usableFromInline init(_ body: @escaping (inout State) -> Disposition) { self.body = body }
}
