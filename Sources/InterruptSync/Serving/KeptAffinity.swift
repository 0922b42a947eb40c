// Room Serving: processors that attributes ask for, of threads and of lines' interrupts, and how
// they are kept: the kernel widens a thread whose last processor goes offline, other programs move
// interrupts, and nothing puts them back. ThreadPlacement makes one. The daemon's control thread,
// or a program's ordinary one, looks about once a second, at PASSIVE_LEVEL without an interrupt
// lock; the serving thread delivers what it found. A monitor guards the list, not the look.
import CUIO
import Glibc
import LinuxSystem
import Synchronization

extension DispatcherAttributes {
  /// Compares the processors of every thread and interrupt of the process with those that their
  /// attributes ask for, and puts back what differs. Call it about once a second, from an ordinary
  /// thread: the daemon does. It costs a system call for each thread that has `processors`, and three
  /// for each line that has `interruptProcessors`; others cost nothing.
  ///
  /// Each loss is reported to the line that it belongs to, or to the first of a group's:
  /// `affinityRestored` when it has been put back, `affinityLost` once when it cannot be, for
  /// instance because the processors are offline; then each call tries again. Threads that serve no
  /// line (deferred queues, executors) have no report.
  ///
  /// PASSIVE_LEVEL; any thread. A call while another one is under way returns at once.
  /// - Returns: how many were put back, or found that cannot be.
  @discardableResult public static func restoreAffinities() -> Int {
    KeptAffinity.lookAtAll(now: linux_nanoseconds())
  }
}

/// Something that has an affinity.
protocol AffinityPlace: Sendable {
  var subject: RestoredAffinity.Subject { get }
  /// What to do when the system refuses.
  var hint: String { get }
  /// The processors it has now; nil when it has gone or does not say.
  func current() -> Set<Int>?
  /// 0 or -errno.
  func set(_ processors: Set<Int>) -> Int32
}

struct ThreadAffinity: AffinityPlace {
  static let hint = "name processors that exist and that the cgroup allows"
  private let thread: WorkerThread
  private let name: String

  init(_ thread: WorkerThread, _ name: String) {
    self.thread = thread
    self.name = name
  }

  var subject: RestoredAffinity.Subject { .thread(name) }
  var hint: String { Self.hint }
  func current() -> Set<Int>? { thread.processors() }
  func set(_ processors: Set<Int>) -> Int32 { thread.setProcessors(processors) }
}

struct InterruptAffinity: AffinityPlace {
  let number: Int
  let procfs: Procfs

  var subject: RestoredAffinity.Subject { .interrupt(number) }
  var hint: String {
    "run as root; the interrupt must be movable: /proc/irq/\(number)/smp_affinity_list"
  }
  func current() -> Set<Int>? { procfs.processors(ofInterrupt: number) }
  func set(_ processors: Set<Int>) -> Int32 { procfs.route(interrupt: number, to: processors) }
}

/// One affinity that was asked for. Its thread or line keeps it; the list of all does not.
final class KeptAffinity: @unchecked Sendable {
  typealias Report = @Sendable (InterruptReport) -> Void

  private let place: any AffinityPlace
  private let owner: String
  private let asked: Set<Int>
  private let sysfs: Sysfs
  private let report: Report?
  private let isOver = Atomic<Bool>(false)
  /// Only the thread that looks uses what follows: there is one at a time.
  private var isLost: Bool
  /// A program that moves it again and again fills no log.
  private var limit = RateLimit<Bool>(burst: 4, interval: 60_000_000_000)
  private var losses: UInt64 = 0

  /// - Parameter isRefused: the system refused it, which was reported.
  init(
    _ place: any AffinityPlace, of owner: String, asked: Set<Int>, isRefused: Bool,
    sysfs: Sysfs = .system, report: Report?
  ) {
    self.place = place
    self.owner = owner
    self.asked = asked
    self.sysfs = sysfs
    self.report = report
    isLost = isRefused
    Self.keep(self)
  }

  /// Its thread or line goes: it is looked at no more. Any thread, any level.
  func end() { isOver.store(true, ordering: .relaxed) }

  /// Puts back what differs.
  /// - Returns: whether there was something to say.
  func look(now: UInt64) -> Bool {
    guard !isOver.load(ordering: .relaxed), let before = place.current() else { return false }
    let wasLost = isLost
    if before == asked {
      isLost = false
    } else {
      let result = place.set(asked)
      isLost = result != 0
      if isLost {
        return wasLost ? false : say(.affinityLost(lost(-result, before)), now)
      }
      // Of the processors that were asked for, the kernel uses those that are online and allowed.
      if !wasLost, place.current() == before { return false }
    }
    guard wasLost || before != asked else { return false }
    return say(
      .affinityRestored(
        RestoredAffinity(place.subject, asked: asked, before: before, losses: losses + 1)), now)
  }

  private func say(_ what: InterruptReport, _ now: UInt64) -> Bool {
    _ = limit.expire(now: now)
    guard limit.admits(true, now: now) else {
      losses += 1
      return true
    }
    losses = 0
    report?(what)
    return true
  }

  private func lost(_ number: Int32, _ before: Set<Int>) -> InterruptSyncError {
    let list = ProcessorList.text(asked)
    let operation = "keep \(place.subject) on processors \(list)"
    let now = "it is on \(ProcessorList.text(before)) meanwhile"
    guard let online = sysfs.onlineProcessors, asked.isDisjoint(with: online) else {
      return InterruptSyncError(
        .lineFailed, object: owner, operation: operation,
        cause: "the system refused to put it back; \(now)", hint: place.hint, errno: number)
    }
    return InterruptSyncError(
      .lineFailed, object: owner, operation: operation,
      cause: "no processor of these is online; \(now)",
      hint:
        "it is put back once one is online: /sys/devices/system/cpu/cpu\(asked.min() ?? 0)/online",
      errno: number)
  }
}

// MARK: The list of all

extension KeptAffinity {
  private struct Entry {
    weak var affinity: KeptAffinity?
  }

  private static let monitor = Monitor()
  /// The generation of the process whose affinities these are.
  private static let process = Atomic<UInt32>(ProcessOwner().generation)
  nonisolated(unsafe) private static var entries: [Entry] = []
  nonisolated(unsafe) private static var isLooking = false

  private static func keep(_ new: KeptAffinity) {
    enterProcess()
    monitor.locked {
      unsafe entries.removeAll { $0.affinity == nil }
      unsafe entries.append(Entry(affinity: new))
    }
  }

  /// - Returns: how many had something to say.
  static func lookAtAll(now: UInt64) -> Int {
    enterProcess()
    let all = monitor.locked { () -> [KeptAffinity] in
      guard unsafe !isLooking else { return [] }
      let all = unsafe entries.compactMap(\.affinity)
      unsafe isLooking = !all.isEmpty
      return all
    }
    guard !all.isEmpty else { return 0 }
    defer { monitor.locked { unsafe isLooking = false } }
    return all.count { $0.look(now: now) }
  }

  /// A forked child begins with none: its parent's threads and lines are not its to move.
  private static func enterProcess() {
    let current = ProcessOwner().generation
    guard process.exchange(current, ordering: .relaxed) != current else { return }
    monitor.reinitialize()
    unsafe isLooking = false
    unsafe entries = []
  }
}
