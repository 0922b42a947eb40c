// Room Serving: how a connection brakes a storm, and what it reports to its owner. Values: any
// thread, no lock. Drivers, the C interface and the daemon set the policy and get the reports.
// Connection and Membership make them on the serving thread, ThreadPlacement on the connecting
// thread, KeptAffinity on the one that looks; all at PASSIVE_LEVEL, without an interrupt lock.
import LinuxSystem

/// How the brake treats a line that takes a processor for nothing (N20, S7): it is masked, which
/// stops it (fact 43), and reported. There are two judgements; each has its own setting.
///
/// Unclaimed dispatches in a row are counted; a pause of more than 100 ms between two resets the
/// count. `limit` of them within a second make a storm: fewer cost next to nothing, as those of a
/// neighbour on a shared line.
///
/// A line is also judged by what it costs, claimed or not: `share` of a processor at 250 dispatches
/// a second or more. That alone is no storm, since a device may be worth it; what counts is whether
/// the device is ever silent while it is serviced, and that depends on the line:
///
/// - A PCI function behind UIO says so. After a quarter of a second a thread watches it while its
///   routines run: one silent moment, as between an acknowledgement and the next interrupt, and it is
///   serviced, however busy it is. Without one in 512 dispatches it is a storm.
/// - irqcontrol and INTx of VFIO do not. After two seconds with hardly a sleep of the thread the cost
///   is reported (`InterruptReport.costly`), and the line stays armed; unless you set `share`: then
///   that is a storm.
/// - Lines that are not masked between interrupts (software, eventfd, message-signalled) are not
///   judged so: there each interrupt is an event of its own.
///
/// The share is of the thread's own processor time: on a loaded machine an ordinary thread gets less,
/// and the line costs others less; a real-time thread gets all that it asks for, and the same share
/// applies.
public struct StormPolicy: Equatable, Sendable {
  /// How the line is stopped.
  public enum Action: Equatable, Sendable {
    /// Re-arm after a pause that doubles up to `longest` as long as the storm goes on. Pauses are
    /// rounded up to milliseconds.
    case backOff(first: Duration, longest: Duration)
    /// Leave it masked until `resumeAfterStorm()` or a reconnect.
    case stayMasked
  }

  /// Unclaimed dispatches in a row, within a second, that make a storm; 0 does not count them. A line
  /// that cannot interrupt so often in a second never makes one.
  public var limit: UInt32
  /// Hundredths of a processor from which a line is too expensive; 0 does not judge so. nil is 30,
  /// and does not brake a line whose device does not say whether it is silenced.
  public var share: UInt8?
  /// For tests: how long a line is watched at a time, in nanoseconds.
  package var window: UInt64 = 50_000_000
  /// For tests: whether a watch must see dispatches end (`LineWatch`); nil: on more than one processor.
  package var mustSeeEnds: Bool?
  /// How the line is stopped at the limit.
  public var action: Action

  /// The standard policy unless told otherwise.
  ///
  /// - Parameters:
  ///   - limit: unclaimed dispatches in a row that make a storm; 0 does not count them.
  ///   - share: hundredths of a processor from which a line is too expensive; 0 does not judge so.
  ///   - action: how the line is stopped then.
  public init(
    limit: UInt32 = 1000, share: UInt8? = nil,
    action: Action = .backOff(first: .milliseconds(10), longest: .seconds(1))
  ) {
    self.limit = limit
    self.share = share
    self.action = action
  }

  /// 1,000 in a row, or 30 % of a processor without a silent moment; then a pause of 10 ms that
  /// grows to 1 s.
  public static let standard = StormPolicy()
  /// Never brakes.
  public static let off = StormPolicy(limit: 0, share: 0)
}

/// An event of a connection that its owner should know about. Delivered on the dispatcher's thread
/// at PASSIVE_LEVEL with no lock held, after the line has been handled; the handler may disconnect.
public enum InterruptReport: Sendable, CustomStringConvertible {
  /// The line ended: unbound, removed, or its writer closed. Once; the dispatcher has stopped.
  case removed(InterruptSyncError)
  /// Reading the line failed permanently. Once; the dispatcher has stopped.
  case failed(InterruptSyncError)
  /// No routine claims and the line keeps firing (N20); it is masked now.
  case stormBegan(unclaimed: UInt64)
  /// Routines claim and the device asks for service all the same, at this many dispatches a second
  /// and hundredths of a processor (N20); the line is masked now.
  case claimedStormBegan(perSecond: UInt64, share: UInt64)
  /// The line costs so much, and nothing says whether its routines silence the device (N20); it stays
  /// armed. Once a connection.
  case costly(perSecond: UInt64, share: UInt64)
  /// The line was re-armed and is quiet or serviced again.
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
  /// The processors that the attributes ask for were lost and cannot be put back for now, which the
  /// error explains. Once; `DispatcherAttributes.restoreAffinities()` tries again.
  case affinityLost(InterruptSyncError)
  /// They were lost, and have been put back.
  case affinityRestored(RestoredAffinity)

  /// A sentence for a log: the error with its hint, or what the line does.
  public var description: String {
    switch self {
    case .removed(let error), .failed(let error), .rearmFailed(let error),
      .attributeRefused(let error), .affinityLost(let error):
      error.description
    case .affinityRestored(let restored): restored.description
    case .stormBegan(let unclaimed):
      "interrupt storm: no routine claimed \(counted(unclaimed, "interrupt")) in a row; the line is masked"
    case .claimedStormBegan(let rate, let share):
      "interrupt storm: routines claim, but the device keeps interrupting, \(rate) times a second for \(share) % of a processor; the line is masked; no routine silences the device"
    case .costly(let rate, let share):
      "\(rate) interrupts a second take \(share) % of a processor; nothing shows whether the routines silence the device; the line stays armed"
    case .stormEnded: "interrupt storm ended"
    case .repeatLimitReached(let passes):
      "a routine still claims after \(passes) passes of mode repeat; one of the routines claims without checking its device"
    case .rearmRecovered: "the line is re-armed again"
    }
  }
}

/// Processors that a thread or an interrupt was asked to have, and has again.
public struct RestoredAffinity: Equatable, Sendable, CustomStringConvertible {
  /// A thread or an interrupt.
  public enum Subject: Equatable, Sendable, CustomStringConvertible {
    /// A thread of this name.
    case thread(String)
    /// The kernel's number of an interrupt.
    case interrupt(Int)

    /// `the thread edu` or `interrupt 23`.
    public var description: String {
      switch self {
      case .thread(let name): "the thread \(name)"
      case .interrupt(let number): "interrupt \(number)"
      }
    }
  }

  /// A thread or an interrupt.
  public let subject: Subject
  /// Those that were asked for.
  public let asked: Set<Int>
  /// Those it was found on.
  public let before: Set<Int>
  /// How often this has happened since the last report: of many in a minute few are reported.
  public let losses: UInt64

  init(_ subject: Subject, asked: Set<Int>, before: Set<Int>, losses: UInt64) {
    self.subject = subject
    self.asked = asked
    self.before = before
    self.losses = losses
  }

  /// A sentence for a log.
  public var description: String {
    let was = before == asked ? "" : "; it had been moved to \(ProcessorList.text(before))"
    return "\(subject) is on processors \(ProcessorList.text(asked)) again\(was)"
      + (losses > 1 ? ", \(losses) times since the last report" : "")
  }
}
