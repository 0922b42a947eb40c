/// How a dispatcher waits for the next interrupt.
package enum WaitStrategy: String, Sendable, CaseIterable {
  /// Asleep in the kernel.
  case block
  /// Awake as long as the spin budget lasts, then asleep.
  case adaptive
  /// Awake always.
  case poll
}
