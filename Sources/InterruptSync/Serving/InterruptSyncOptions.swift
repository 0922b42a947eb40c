// Room Serving: how an object wants to be served. Drivers, the C and Windows layers and the daemon
// make them before the object; SyncStorage and LifeCycle read them. Values: any thread, no lock,
// never changed afterwards.

/// Choices that are made once, when a sync object is made.
public struct InterruptSyncOptions: Sendable {
  /// How interrupts that no routine claims are stopped (N20).
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
  /// Whether times are counted by their length from the start (`InterruptHistogram`);
  /// `keepHistograms()` begins later.
  public var histograms: Bool
  /// Called with each report; see `InterruptReport` for the thread and level.
  public var report: (@Sendable (InterruptReport) -> Void)?

  /// The defaults brake a storm, end an endless Repeat, let STATUS_SUCCESS alone claim, and refuse
  /// to connect without routines.
  ///
  /// - Parameters:
  ///   - storm: how interrupts that no routine claims are stopped (N20).
  ///   - repeatLimit: passes a dispatch of mode repeat may take; 0 is without limit (N20).
  ///   - acceptsAnySuccess: whether any status of the success class claims (N5).
  ///   - connectsWithoutRoutines: whether an empty list may connect (N9).
  ///   - dispatcher: how the dispatcher thread runs.
  ///   - group: the thread that dispatches, if it is shared.
  ///   - histograms: whether times are counted by their length.
  ///   - report: called with each report; nil drops them.
  public init(
    storm: StormPolicy = .standard, repeatLimit: UInt64 = 1000, acceptsAnySuccess: Bool = false,
    connectsWithoutRoutines: Bool = false,
    dispatcher: DispatcherAttributes = DispatcherAttributes(), group: DispatcherGroup? = nil,
    histograms: Bool = false, report: (@Sendable (InterruptReport) -> Void)? = nil
  ) {
    self.storm = storm
    self.repeatLimit = repeatLimit
    self.acceptsAnySuccess = acceptsAnySuccess
    self.connectsWithoutRoutines = connectsWithoutRoutines
    self.dispatcher = dispatcher
    self.group = group
    self.histograms = histograms
    self.report = report
  }
}
