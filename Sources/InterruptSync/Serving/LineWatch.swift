// Room Serving: watches a device whose line costs too much. PCI STATUS says whether a function asks
// for service, but not why. So the thread `line watch` reads it again and again while the routines
// run: a device that is serviced is silent between the acknowledgement and the next interrupt, one
// that nothing silences is never. Connection+Cost begins it on the serving thread, counts
// dispatches and asks for its answer. PASSIVE_LEVEL; no lock, only atomics.
import CUIO
import Glibc
import LinuxSystem
import Synchronization

final class LineWatch: Sendable {
  enum Verdict: UInt8 {
    /// Not a moment of silence in so many dispatches.
    case asserted = 1
    /// It was silent, so something silences it. Also of a device that has gone: the next read says so.
    case silent
    /// The watching thread came by too rarely.
    case unknown
  }

  /// Dispatches that a watch sees before it says `asserted`; it looks several times in each. So many,
  /// since a fast device is silent only for a moment in each.
  static let dispatches = 512
  /// The same after a pause, when an error costs one more pause.
  static let dispatchesAfterPause = 16
  /// Of so many dispatches one must be seen to end: between two looks that follow one another at once. Where
  /// the threads run in turns, a dispatch has one look, at a moment that may be no better than the others'.
  private static let shareSeenToEnd = 4
  /// How long it watches at most. Where it has a processor to itself some 50 ms are enough.
  static let patience: UInt64 = 10_000_000_000
  /// It looks without a pause for so long, and then sleeps for a moment: where it shares a processor
  /// with the serving thread, it wakes at another place in that one's work.
  private static let burst: UInt64 = 100_000
  private static let sleep: useconds_t = 50

  private let asked = Atomic<Bool>(true)
  private let seen = Atomic<UInt64>(0)
  private let answer = Atomic<UInt8>(0)

  /// nil: still watching.
  var verdict: Verdict? { Verdict(rawValue: answer.load(ordering: .acquiring)) }

  /// - Parameters:
  ///   - wanted: dispatches to see.
  ///   - mustSeeEnds: whether a share of them must be seen to end; nil: where there is more than one
  ///     processor.
  ///   - isAsserted: one look: 1, 0 or -errno. On the watching thread.
  /// - Throws: `SystemError` if the system has no thread.
  init(
    _ wanted: Int, patience: UInt64 = LineWatch.patience, mustSeeEnds: Bool? = nil,
    isAsserted: @escaping @Sendable () -> Int32
  ) throws(SystemError) {
    let thread = try WorkerThread(name: "line watch", stackSize: 256 * 1024) { [self] in
      let mustSeeEnds = mustSeeEnds ?? (Self.processors > 1)
      let endsWanted = mustSeeEnds ? wanted / Self.shareSeenToEnd : 0
      let verdict = watch(wanted, endsWanted, linux_nanoseconds() + patience, isAsserted)
      answer.store(verdict.rawValue, ordering: .releasing)
    }
    thread.detach()
  }

  /// With a descriptor of its own: the line's may be closed before this ends.
  convenience init(
    _ wanted: Int, mustSeeEnds: Bool? = nil, configuration: Int32
  ) throws(SystemError) {
    let copy = fcntl(configuration, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError(errno, "watch a line") }
    let file = FileDescriptor(adopting: copy)
    try self.init(wanted, mustSeeEnds: mustSeeEnds) { cuio_pci_is_asserted(file.raw) }
  }

  /// One more dispatch has ended. On the serving thread.
  func dispatched() { seen.add(1, ordering: .relaxed) }

  /// The answer is not wanted any more. Any thread.
  func stop() { asked.store(false, ordering: .relaxed) }

  /// That the calling thread may run on.
  private static var processors: Int {
    var words = [UInt64](repeating: 0, count: ProcessorList.limit / 64)
    let result = unsafe linux_thread_get_affinity(pthread_self(), &words, words.count)
    return result == 0 ? words.reduce(0) { $0 + $1.nonzeroBitCount } : 1
  }

  private func watch(
    _ wanted: Int, _ endsWanted: Int, _ end: UInt64, _ isAsserted: () -> Int32
  ) -> Verdict {
    var last = seen.load(ordering: .relaxed)
    var dispatches = 0
    var seenToEnd = 0
    while true {
      let now = linux_nanoseconds()
      if now >= end || !asked.load(ordering: .relaxed) { return .unknown }
      var before: UInt64?
      repeat {
        if isAsserted() != 1 { return .silent }
        // Looks in one dispatch count as one: it may be that of a thread that is kept from running.
        let current = seen.load(ordering: .relaxed)
        if current != last { dispatches += 1 }
        let time = linux_nanoseconds()
        if current != last, let before, time - before < Self.burst { seenToEnd += 1 }
        (last, before) = (current, time)
        if dispatches >= wanted, seenToEnd >= endsWanted { return .asserted }
      } while linux_nanoseconds() - now < Self.burst
      usleep(Self.sleep)
    }
  }
}
