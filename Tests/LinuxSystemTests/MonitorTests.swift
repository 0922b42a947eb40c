// The monitor: exclusion is tested by everything that uses it; here is what a priority does.
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
