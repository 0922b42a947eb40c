// The monitor: exclusion is tested by everything that uses it; here is what a priority does.
import CLinuxSystem
import Glibc
import LinuxSystem
import Synchronization
import Testing

/// A thread's priority as the kernel has it now, borrowed or its own (proc(5), stat, field 18): below
/// 0 for a real-time thread.
private func kernelPriority(of thread: pid_t) throws -> Int {
  let text = try FileDescriptor.wholeText("/proc/self/task/\(thread)/stat")
  // The name is in parentheses and may have blanks.
  let fields = text[text.index(after: text.lastIndex(of: ")")!)...].split(separator: " ")
  return Int(fields[15]) ?? 0
}

private func eventually(_ condition: () throws -> Bool) throws -> Bool {
  for _ in 0..<60_000 {
    if try condition() { return true }
    usleep(1000)
  }
  return false
}

@Test func aHolderInheritsThePriorityOfARealTimeThreadThatWaits() throws {
  let monitor = Monitor()
  let holder = Atomic<Int32>(0)
  let mayLeave = Atomic(false)
  let has = Atomic(false)
  let refusal = Atomic<Int32>(0)
  let low = try WorkerThread(name: "holder") {
    monitor.locked {
      // PID/task/TID
      let link = (try? FileDescriptor.link("/proc/thread-self")) ?? ""
      holder.store(Int32(link.split(separator: "/").last ?? "") ?? -1, ordering: .releasing)
      while !mayLeave.load(ordering: .acquiring) { usleep(1000) }
    }
  }
  #expect(try eventually { holder.load(ordering: .acquiring) != 0 })
  let thread = holder.load(ordering: .acquiring)
  #expect(try kernelPriority(of: thread) >= 0)
  let high = try WorkerThread(name: "waiter") {
    var parameters = sched_param(sched_priority: 20)
    guard sched_setscheduler(0, SCHED_FIFO, &parameters) == 0 else {
      return refusal.store(errno, ordering: .releasing)
    }
    monitor.locked { has.store(true, ordering: .releasing) }
  }
  let isRaised = try eventually {
    try kernelPriority(of: thread) == -21 || refusal.load(ordering: .acquiring) != 0
  }
  mayLeave.store(true, ordering: .releasing)
  low.join()
  high.join()
  let number = refusal.load(ordering: .acquiring)
  #expect(number == 0, "real-time priorities need root here")
  #expect(isRaised)
  let entered = has.load(ordering: .acquiring)
  #expect(entered)
}

@Test func aBroadcastDoesNotWaitForThreadsThatAnEarlierOneWoke() throws {
  // The woken threads cannot run: they are on one processor with a thread of a real-time priority, which
  // spins until both broadcasts have returned.
  let monitor = Monitor()
  let turn = Atomic(0)
  let waiting = Atomic(0)
  let spins = Atomic(false)
  let isOver = Atomic(false)
  let sawTheEnd = Atomic(false)
  func waiter(_ processor: Int?, after wanted: Int) throws -> WorkerThread {
    try WorkerThread(name: "waiter") {
      if let processor { pin(to: processor) }
      monitor.locked {
        waiting.add(1, ordering: .acquiringAndReleasing)
        monitor.wait { turn.load(ordering: .acquiring) < wanted }
      }
    }
  }
  func advance() {
    monitor.locked {
      turn.add(1, ordering: .acquiringAndReleasing)
      monitor.broadcast()
    }
  }
  pin(to: 0)
  defer { unpin() }
  let starved = try (0..<3).map { _ in try waiter(1, after: 1) }
  #expect(try eventually { monitor.locked { waiting.load(ordering: .acquiring) == 3 } })
  let spinner = try WorkerThread(name: "spinner") {
    pin(to: 1)
    var parameters = sched_param(sched_priority: 20)
    guard sched_setscheduler(0, SCHED_FIFO, &parameters) == 0 else { return }
    spins.store(true, ordering: .releasing)
    // Less than the kernel takes from such a thread in a second for all others.
    let end = linux_nanoseconds() + 400_000_000
    while linux_nanoseconds() < end, !isOver.load(ordering: .acquiring) {}
    sawTheEnd.store(isOver.load(ordering: .acquiring), ordering: .releasing)
  }
  let hasStarted = try eventually { spins.load(ordering: .acquiring) }
  #expect(hasStarted, "real-time priorities need root here")
  advance()
  let later = try waiter(0, after: 2)
  #expect(try eventually { monitor.locked { waiting.load(ordering: .acquiring) == 4 } })
  advance()
  isOver.store(true, ordering: .releasing)
  spinner.join()
  for thread in starved + [later] { thread.join() }
  let saw = sawTheEnd.load(ordering: .acquiring)
  #expect(saw, "the second broadcast waited for threads that the first one had woken")
}

@Test func aBroadcastWakesNoThreadIntoAMutexThatIsTaken() throws {
  // A thread also sleeps where another test's changes the memory map at that moment. A thread that is
  // woken into a mutex that is taken sleeps twice each time.
  let rounds = try (1...5).map { _ in try sleepsOfAWaiter() }
  #expect(rounds.contains(1), "\(rounds)")
}

/// How often a thread sleeps from its wait until it has the mutex again. It has a real-time priority and
/// the processor of the thread that wakes it: it runs at once, and would sleep a second time if the mutex
/// were not free.
private func sleepsOfAWaiter() throws -> Int {
  let monitor = Monitor()
  let isWaiting = Atomic(false)
  let mayGo = Atomic(false)
  let sleeps = Atomic(-1)
  let isRefused = Atomic(false)
  let waiter = try WorkerThread(name: "waiter") {
    pin(to: 0)
    var parameters = sched_param(sched_priority: 20)
    if unsafe sched_setscheduler(0, SCHED_FIFO, &parameters) != 0 {
      isRefused.store(true, ordering: .releasing)
    }
    monitor.locked {
      isWaiting.store(true, ordering: .releasing)
      let before = voluntarySwitches()
      monitor.wait { !mayGo.load(ordering: .acquiring) }
      sleeps.store(voluntarySwitches() - before, ordering: .releasing)
    }
  }
  #expect(try eventually { monitor.locked { isWaiting.load(ordering: .acquiring) } })
  pin(to: 0)
  defer { unpin() }
  // It sleeps as soon as this thread, of a lower priority, has the processor.
  monitor.locked {
    mayGo.store(true, ordering: .releasing)
    monitor.broadcast()
  }
  waiter.join()
  let (refused, slept) = (isRefused.load(ordering: .acquiring), sleeps.load(ordering: .acquiring))
  #expect(!refused, "real-time priorities need root here")
  return slept
}

/// How often the calling thread has slept (proc(5), status).
private func voluntarySwitches() -> Int {
  let text = (try? FileDescriptor.wholeText("/proc/thread-self/status")) ?? ""
  let line = text.split(separator: "\n").first { $0.hasPrefix("voluntary_ctxt_switches:") }
  return Int(line?.split(separator: "\t").last ?? "") ?? -1
}

private func pin(to processor: Int) { place(on: 1 << processor) }
private func unpin() { place(on: .max) }

private func place(on processors: UInt64) {
  var words = [processors]
  #expect(unsafe linux_thread_set_affinity(pthread_self(), &words, 1) == 0)
}
