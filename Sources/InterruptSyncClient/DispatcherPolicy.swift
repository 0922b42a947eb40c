/// How the thread that dispatches a device's interrupts is scheduled.
public enum DispatcherPolicy: Equatable, Sendable {
  /// As ordinary threads are.
  case other
  /// SCHED_FIFO with a priority of 1 to 99; below 50, where the kernel's interrupt threads are
  /// (fact 53).
  case fifo(Int)
}
