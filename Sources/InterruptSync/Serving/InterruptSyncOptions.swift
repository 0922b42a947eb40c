// Room Serving: how an object wants to be served, and what it hears about that. Values, made before
// the object; the report handler runs on the serving thread at PASSIVE_LEVEL, without a lock.

/// Choices that are made once, when a sync object is made.
public struct InterruptSyncOptions: Sendable {
  /// What is done about interrupts that no routine claims (N20).
  public var storm: StormPolicy
  /// Passes that one dispatch of mode repeat may take before it is ended and reported; 0 is without
  /// limit (N20).
  public var repeatLimit: UInt64
  /// Any status of the success class claims the interrupt, not only STATUS_SUCCESS (N5).
  public var acceptsAnySuccess: Bool
  /// Connect although no routine is registered; the default refuses (N9).
  public var connectsWithoutRoutines: Bool
  /// The dispatcher thread.
  public var dispatcher: DispatcherAttributes
  /// The thread that dispatches, shared with other objects; nil gives the connection a thread of
  /// its own. With a group `dispatcher` is not used.
  public var group: DispatcherGroup?
  /// Called with each report; see `InterruptReport` for the thread and level.
  public var report: (@Sendable (InterruptReport) -> Void)?

  /// The defaults brake a storm, end an endless Repeat, let STATUS_SUCCESS alone claim, and refuse
  /// to connect without routines.
  ///
  /// - Parameters:
  ///   - storm: what is done about interrupts that no routine claims (N20).
  ///   - repeatLimit: passes a dispatch of mode repeat may take; 0 is without limit (N20).
  ///   - acceptsAnySuccess: whether any status of the success class claims (N5).
  ///   - connectsWithoutRoutines: whether an empty list may connect (N9).
  ///   - dispatcher: how the dispatcher thread runs.
  ///   - group: the thread that dispatches, if it is shared.
  ///   - report: called with each report; nil drops them.
  public init(
    storm: StormPolicy = .standard, repeatLimit: UInt64 = 1000, acceptsAnySuccess: Bool = false,
    connectsWithoutRoutines: Bool = false,
    dispatcher: DispatcherAttributes = DispatcherAttributes(), group: DispatcherGroup? = nil,
    report: (@Sendable (InterruptReport) -> Void)? = nil
  ) {
    self.storm = storm
    self.repeatLimit = repeatLimit
    self.acceptsAnySuccess = acceptsAnySuccess
    self.connectsWithoutRoutines = connectsWithoutRoutines
    self.dispatcher = dispatcher
    self.group = group
    self.report = report
  }
}

/// An event of a connection that its owner should know about. Delivered on the dispatcher's thread
/// at PASSIVE_LEVEL with no lock held, after the line has been handled; the handler may disconnect.
public enum InterruptReport: Sendable, CustomStringConvertible {
  /// The line ended: unbound, removed, or its writer closed. Once; the dispatcher has stopped.
  case removed(InterruptSyncError)
  /// Reading the line failed for good. Once; the dispatcher has stopped.
  case failed(InterruptSyncError)
  /// No routine claims and the line keeps firing (N20); it is masked now.
  case stormBegan(unclaimed: UInt64)
  /// The line was re-armed and is quiet or claimed again.
  case stormEnded
  /// A Repeat did not come to a clean pass within the limit; the interrupt counts as handled (N20).
  case repeatLimitReached(passes: UInt64)
  /// The line could not be re-armed; it is tried again, with growing pauses, until it works or the
  /// line ends.
  case rearmFailed(InterruptSyncError)
  /// A failed re-arm worked.
  case rearmRecovered
  /// The system refused a thread attribute. On the connecting thread, once the connection stands.
  case attributeRefused(InterruptSyncError)

  /// A sentence for a log: the error with its hint, or what the line does.
  public var description: String {
    switch self {
    case .removed(let error), .failed(let error), .rearmFailed(let error),
      .attributeRefused(let error):
      error.description
    case .stormBegan(let unclaimed):
      "interrupt storm: \(unclaimed) in a row that no routine claimed; the line is masked"
    case .stormEnded: "interrupt storm ended"
    case .repeatLimitReached(let passes):
      "a routine still claims after \(passes) passes of mode repeat; one of them claims without looking at its device"
    case .rearmRecovered: "the line could be re-armed again"
    }
  }
}
