extension EventLoop {
  /// Nanoseconds of CLOCK_MONOTONIC.
  package static var now: UInt64 { TimerQueue.now }

  /// Calls `body` on the loop's thread after a time, and again and again when it repeats. Turns
  /// that were missed are not made up for.
  @discardableResult
  package func after(
    _ delay: Duration, repeats: Bool = false, _ body: @escaping () -> Void
  ) -> LoopTimer {
    timers.add(delay, repeats: repeats, body)
  }

  /// Takes a timer back; inside its own body, too.
  package func cancel(_ timer: LoopTimer) { timers.remove(timer) }
}
