// Room Observing: the one thread that takes the records of every observed object and hands each to
// the object's observers, so that no dispatcher touches a file or memory that an observer has, and
// none takes longer because more observe. RecordSource starts it with the first observer and posts
// letters to it, on any thread; it stays. A monitor guards the letters and is held for a moment
// only; everything else is the observers' thread's own, at PASSIVE_LEVEL without a lock.
import CUIO
import Glibc
import LinuxSystem

@safe final class ObserverThread: @unchecked Sendable {
  /// `at`: the records written when the letter was posted. Earlier ones belong to what was before.
  enum Letter {
    case add(RecordSource, any DispatchObserver, at: UInt64, dropped: UInt64)
    case remove(RecordSource, any DispatchObserver, at: UInt64)
    case end(RecordSource, at: UInt64)
  }

  static let shared = ObserverThread()

  /// What dispatches ring. Never freed, nor its descriptor closed: a wake-up may have been put off.
  let bell: UnsafeMutablePointer<cuio_bell>
  /// Guards what follows.
  private let monitor = Monitor()
  private var letters: [Letter] = []
  /// The processes whose bell and whose thread they are: a forked child has neither.
  private var bellOwner: pid_t = 0
  private var threadOwner: pid_t = 0

  // The thread's own.
  private var observed: [Observed] = []

  init() {
    unsafe bell = .allocate(capacity: 1)
    unsafe bell.initialize(to: cuio_bell(asleep: 0, fd: -1))
  }

  /// Starts the thread, unless it runs.
  /// - Throws: EMFILE, ENFILE, ENOMEM or EAGAIN: cannot create an eventfd or a thread. The next call
  ///   tries again.
  func start() throws(SystemError) {
    try monitor.locked { () throws(SystemError) in
      guard threadOwner != getpid() else { return }
      // A forked child shares its parent's eventfd, and no thread serves what its parent observed.
      letters = []
      observed = []
      // The one of a start that found no thread serves the next.
      if bellOwner != getpid() {
        let fd = linux_event_create()
        guard fd >= 0 else { throw SystemError(-fd, "make an eventfd for observers") }
        unsafe bell.pointee.fd = fd
        bellOwner = getpid()
      }
      try WorkerThread(name: "observers", stackSize: 256 * 1024) { [self] in
        while true { serve() }
      }.detach()
      threadOwner = getpid()
    }
  }

  /// Any thread, any level; never waits for the thread. The letter is made with the monitor held, so
  /// that letters are in the order of their `at`.
  func post(_ letter: () -> Letter) {
    monitor.locked { letters.append(letter()) }
    unsafe cuio_thread_wake(bell.pointee.fd)
  }

  // MARK: On the thread

  /// One object with observers.
  private struct Observed {
    let source: RecordSource
    var observers: [(observer: any DispatchObserver, first: UInt64, dropped: UInt64)]
    /// As far as this turn goes.
    var end: UInt64
    var told: UInt64

    var hasNews: Bool { source.read != source.written || source.dropped != told }
  }

  /// Hands on the records that wait, and sleeps when there are none. How far it goes is read before
  /// the letters, in that order: a later record may be for an observer whose letter is not read yet.
  private func serve() {
    for index in observed.indices { observed[index].end = observed[index].source.written }
    read(monitor.locked { take() })
    var isBusy = false
    for index in observed.indices where deliver(index, until: observed[index].end) { isBusy = true }
    if isBusy { return }
    unsafe cuio_bell_sleep(bell)
    // A record that came before the flag was up has rung no bell.
    if observed.contains(where: \.hasNews) { return }
    if unsafe cuio_wait(-1, bell.pointee.fd, -1, false) > 0 {
      _ = unsafe linux_event_drain(bell.pointee.fd)
    }
  }

  private func take() -> [Letter] {
    defer { letters = [] }
    return letters
  }

  private func read(_ letters: [Letter]) {
    for letter in letters {
      switch letter {
      case .add(let source, let observer, let at, let dropped):
        add(source, (observer, at, dropped))
      case .remove(let source, let observer, let at): remove(source, at) { $0 === observer }
      case .end(let source, let at): remove(source, at) { _ in true }
      }
    }
  }

  private func add(_ source: RecordSource, _ new: (any DispatchObserver, UInt64, UInt64)) {
    if let index = observed.firstIndex(where: { $0.source === source }) {
      observed[index].observers.append(new)
    } else {
      observed.append(
        Observed(source: source, observers: [new], end: new.1, told: source.dropped))
    }
  }

  /// Ends observers, after the records that are theirs.
  private func remove(
    _ source: RecordSource, _ end: UInt64, where isEnding: (any DispatchObserver) -> Bool
  ) {
    guard let index = observed.firstIndex(where: { $0.source === source }) else { return }
    while source.read < end, deliver(index, until: end) {}
    for observer in observed[index].observers.map(\.observer) where isEnding(observer) {
      observer.end()
    }
    observed[index].observers.removeAll { isEnding($0.observer) }
    if observed[index].observers.isEmpty { observed.remove(at: index) }
  }

  /// Hands on some records of one object, so that a busy one leaves the others their turn.
  private func deliver(_ index: Int, until end: UInt64) -> Bool {
    let source = observed[index].source
    let dropped = source.dropped
    let read = source.read
    guard read < end, let (first, entries) = unsafe source.waiting(atMost: min(end - read, 256))
    else {
      // The last records of a burst were dropped: no record tells that.
      guard dropped != observed[index].told else { return false }
      unsafe tell(index, 0, UnsafeBufferPointer(start: nil, count: 0), dropped)
      return true
    }
    unsafe tell(index, first, entries, dropped)
    source.release(entries.count)
    return true
  }

  /// - Parameter first: the number of the first record.
  private func tell(
    _ index: Int, _ first: UInt64, _ entries: UnsafeBufferPointer<cuio_ring_entry>,
    _ dropped: UInt64
  ) {
    observed[index].told = dropped
    for (observer, since, before) in observed[index].observers {
      // An observer gets what was recorded since it began.
      let skipped = since > first ? Int(min(since - first, UInt64(entries.count))) : 0
      unsafe observer.observe(
        DispatchRecords(
          entries: UnsafeBufferPointer(rebasing: entries.dropFirst(skipped)),
          droppedBefore: before, dropped: dropped))
    }
  }
}
