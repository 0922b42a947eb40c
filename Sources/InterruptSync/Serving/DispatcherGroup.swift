// Room Serving: a group as a driver sees it. Drivers, the C interface and the daemon make it, at
// PASSIVE_LEVEL without an interrupt lock, and each of its objects keeps it; LifeCycle asks it
// before a call that would wait. Any thread may ask. GroupThread does the work, under its monitor.
// The last release waits for the thread only at PASSIVE_LEVEL.

/// One thread that dispatches for many lines.
///
/// Give it to objects as `InterruptSyncOptions.group`; each keeps its own lock, list, statistics,
/// storm brake and re-arm, and connects and disconnects when it likes. What an interrupt costs does
/// not grow with the number of lines. Lines are served in turns: one dispatch each, then the next
/// that is ready.
///
/// One thread is one thread: a routine that takes long delays every other line of the group, and
/// the `disconnect()` of each.
public final class DispatcherGroup: Sendable {
  let worker: GroupThread

  /// How the thread was asked to run.
  public var attributes: DispatcherAttributes { worker.attributes }

  /// Starts the thread.
  ///
  /// - Parameters:
  ///   - name: for messages, and for the thread unless the attributes name it.
  ///   - attributes: of the thread; those of the members' own options are not used. As its lines
  ///     may be hardware, a spin at priority 50 or above is refused where fact 53 holds.
  ///   - report: called, before this returns, with each attribute that the system refused.
  /// - Throws: `resourcesExhausted`.
  public init(
    name: String = "group", attributes: DispatcherAttributes = DispatcherAttributes(),
    report: ((InterruptReport) -> Void)? = nil
  ) throws(InterruptSyncError) {
    worker = try GroupThread(name: name, attributes: attributes, report: report)
  }

  /// Ends the thread. No line is connected any more: each keeps its group.
  deinit { worker.stop() }

  /// Lines connected now. Any thread, any level.
  public var lineCount: Int { worker.lineCount }

  /// Counters of the thread so far. Any thread, any level.
  public func statistics() -> DispatcherGroupStatistics { worker.statistics() }

  /// Whether the calling thread is the group's.
  var isCurrentThread: Bool { worker.isCurrentThread }

  /// Whether the calling thread holds a member's lock, for which the group's thread may wait.
  var isHeldUpByCaller: Bool { worker.isHeldUpByCaller }
}
