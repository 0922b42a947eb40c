// Threads: what they begin with, and how they end.
import CLinuxSystem
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LinuxSystem

/// What a thread saw of itself.
private struct Seen: Sendable {
  var name = ""
  var blocksTermination = false
  var blocksCrashes = true
}

private func look() -> Seen {
  var seen = Seen()
  var mask = sigset_t()
  pthread_sigmask(SIG_BLOCK, nil, &mask)
  seen.blocksTermination = sigismember(&mask, SIGTERM) == 1
  seen.blocksCrashes = sigismember(&mask, SIGSEGV) == 1
  let name = (try? FileDescriptor.contents("/proc/thread-self/comm")) ?? []
  seen.name = String(decoding: name.dropLast(), as: UTF8.self)
  return seen
}

@Test func aThreadHasItsNameAndNoSignalsButThoseOfACrash() throws {
  let gate = Monitor()
  let seen = Guarded(Seen())
  // The body waits until the thread has its name.
  let worker = try gate.locked {
    try WorkerThread(name: "a-name-of-20-letters", stackSize: 512 << 10) {
      gate.locked {}
      seen.withLock { $0 = look() }
    }
  }
  #expect(!worker.isCurrent)
  worker.join()
  let found = seen.withLock { $0 }
  #expect(found.name == "a-name-of-20-le")
  #expect(found.blocksTermination && !found.blocksCrashes)
}

@Test func aStackThatIsTooSmallIsAnErrorAndRunsNothing() throws {
  let hasRun = Atomic<Bool>(false)
  let error = try #require(throws: SystemError.self) {
    try WorkerThread(name: "small", stackSize: 1) { hasRun.store(true, ordering: .relaxed) }
  }
  #expect(error.errno == Errno(rawValue: EINVAL) && error.description.contains("EINVAL"))
  let ran = hasRun.load(ordering: .relaxed)
  #expect(!ran)
}

@Test func whatABodyKeepsLivesUntilItHasRunAndNoLonger() throws {
  final class Kept: Sendable {
    let ended: @Sendable () -> Void
    init(_ ended: @escaping @Sendable () -> Void) { self.ended = ended }
    deinit { ended() }
  }
  let count = Atomic<Int>(0)
  for _ in 0..<200 {
    let kept = Kept { count.add(1, ordering: .relaxed) }
    let worker = try WorkerThread(name: "keeps") { withExtendedLifetime(kept) {} }
    worker.join()
    worker.join()
    worker.detach()
  }
  let ended = count.load(ordering: .relaxed)
  #expect(ended == 200)
}

@Test func aDetachedThreadRunsToItsEnd() throws {
  let stage = Monitor()
  let isDone = Guarded(false)
  for isDropped in [true, false] {
    isDone.withLock { $0 = false }
    let worker = try WorkerThread(name: "detached") {
      stage.locked {
        isDone.withLock { $0 = true }
        stage.broadcast()
      }
    }
    if !isDropped { worker.detach() }
    stage.locked { stage.wait(while: { isDone.withLock { !$0 } }) }
  }
}

@Test func aThreadKnowsItself() throws {
  let stage = Monitor()
  let worker = Guarded<WorkerThread?>(nil)
  let isItself = Atomic<Bool>(false)
  let started = try stage.locked {
    let started = try WorkerThread(name: "itself") {
      stage.locked {}
      isItself.store(worker.withLock { $0?.isCurrent ?? false }, ordering: .relaxed)
    }
    worker.withLock { $0 = started }
    return started
  }
  started.join()
  worker.withLock { $0 = nil }
  let answer = isItself.load(ordering: .relaxed)
  #expect(answer)
}

@Test(arguments: [
  (ENOENT, "ENOENT"), (EIO, "EIO"), (EAGAIN, "EAGAIN"), (EOPNOTSUPP, "EOPNOTSUPP"),
  (EDEADLK, "EDEADLK"), (ENOTUNIQ, "ENOTUNIQ"), (4711, "errno 4711"), (0, "errno 0"),
  (-1, "errno -1"),
])
func errorNumbersHaveTheirNames(_ number: Int32, _ name: String) {
  #expect(Errno(rawValue: number).name == name)
  #expect(SystemError(number, "try").description == "try: \(name)")
}

@Test func libraryThreadsCannotBeCancelled() throws {
  let monitor = Monitor()
  nonisolated(unsafe) var isCancelled = false
  nonisolated(unsafe) var isAlive = false
  let thread = try WorkerThread(name: "cancelled") {
    monitor.locked { monitor.wait { !isCancelled } }
    pthread_testcancel()
    isAlive = true
  }
  monitor.locked {
    pthread_cancel(thread.handle)
    isCancelled = true
    monitor.broadcast()
  }
  thread.join()
  #expect(isAlive)
}

@Test func aThreadRunsOnTheProcessorsThatItWasGiven() throws {
  let gate = Guarded(false)
  let thread = try WorkerThread(name: "placed") { while !gate.withLock({ $0 }) { usleep(200) } }
  defer {
    gate.withLock { $0 = true }
    thread.join()
  }
  let every = try #require(thread.processors())
  let one = try #require(every.max())
  #expect(thread.setProcessors([one]) == 0 && thread.processors() == [one])
  // What no machine has is left out; a list of nothing else is refused and changes nothing.
  #expect(thread.setProcessors([one, -1, ProcessorList.limit]) == 0)
  #expect(thread.setProcessors([-1, ProcessorList.limit]) == -EINVAL)
  #expect(thread.processors() == [one])
}

@Test func aThreadThatWasJoinedHasNoProcessorsAndTakesNone() throws {
  let thread = try WorkerThread(name: "over") {}
  thread.join()
  #expect(thread.processors() == nil && thread.setProcessors([0]) == -ESRCH)
}
