// The loop: timers, mailboxes and descriptors.
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import LinuxSystem

@Test func timersFireInTheOrderOfTheirTimes() throws {
  let loop = try EventLoop()
  var fired: [Int] = []
  loop.after(.milliseconds(3)) { fired.append(3) }
  loop.after(.milliseconds(1)) { fired.append(1) }
  let taken = loop.after(.milliseconds(2)) { fired.append(2) }
  loop.after(.milliseconds(4)) { loop.stop() }
  loop.after(.seconds(Int64.max)) { fired.append(9) }
  loop.cancel(taken)
  try loop.run()
  #expect(fired == [1, 3])
}

@Test func aTimerNeverFiresEarly() throws {
  let loop = try EventLoop()
  let start = EventLoop.now
  loop.after(.milliseconds(20)) { loop.stop() }
  try loop.run()
  #expect(EventLoop.now - start >= 20_000_000)
}

@Test func aRepeatingTimerGoesOnUntilItIsTakenBackInItsBody() throws {
  let loop = try EventLoop()
  var count = 0
  var timer: LoopTimer?
  timer = loop.after(.milliseconds(1), repeats: true) {
    count += 1
    guard count == 5, let timer else { return }
    loop.cancel(timer)
    loop.after(.milliseconds(5)) { loop.stop() }
  }
  try loop.run()
  #expect(count == 5)
}

@Test func lettersOfManyThreadsArriveOnceAndInOrder() throws {
  let loop = try EventLoop()
  let perThread = 2000
  var received = [[Int]](repeating: [], count: 4)
  let mailbox = try loop.mailbox { [unowned loop] (letter: (thread: Int, number: Int)) in
    received[letter.thread].append(letter.number)
    if received.allSatisfy({ $0.count == perThread }) { loop.stop() }
  }
  let workers = try (0..<4).map { thread in
    try WorkerThread(name: "post") {
      for number in 0..<perThread { mailbox.post((thread, number)) }
    }
  }
  try loop.run()
  workers.forEach { $0.join() }
  #expect(received.allSatisfy { $0 == Array(0..<perThread) })
}

@Test func aLetterAfterTheLoopsEndIsHarmless() throws {
  var loop: EventLoop? = try EventLoop()
  let mailbox = try #require(loop).mailbox { (_: Int) in }
  loop = nil
  mailbox.post(1)
}

@Test func anEventUnderWayReachesNobodyAfterUnwatch() throws {
  let loop = try EventLoop()
  // Both are ready in one turn, and each removes the other: exactly one is called.
  let pairs = try (0..<2).map { _ in try socketPair() }
  var watches: [EventLoop.Watch] = []
  var called: [Int] = []
  for number in 0..<2 {
    try pairs[number].1.put("x")
    watches.append(
      try loop.watch(pairs[number].0, for: .readable) { _ in
        called.append(number)
        loop.unwatch(watches[1 - number])
      })
  }
  try loop.turn(milliseconds: 0)
  #expect(called.count == 1)
  loop.unwatch(watches[called[0]])
  #expect(try loop.turn(milliseconds: 0) == 0)
}

@Test func hangUpIsReportedWithoutBeingAskedFor() throws {
  let loop = try EventLoop()
  var ends: (FileDescriptor, FileDescriptor)? = try socketPair()
  let watched = try #require(ends?.0)
  var seen: Readiness = []
  let watch = try loop.watch(watched, for: []) { seen.formUnion($0) }
  try #require(ends?.1).put("x")
  #expect(try loop.turn(milliseconds: 0) == 0)
  ends = nil
  try loop.turn(milliseconds: 0)
  #expect(seen == .hungUp)
  loop.change(watch, to: [.readable, .writable])
  try loop.turn(milliseconds: 0)
  #expect(seen.contains(.readable))
}

@Test func whatEpollDoesNotTakeIsAnError() throws {
  let loop = try EventLoop()
  let file = try FileDescriptor.open("/proc/self/exe", O_RDONLY)
  let error = try #require(throws: SystemError.self) {
    try loop.watch(file, for: .readable) { _ in }
  }
  #expect(error.operation == "watch a descriptor" && error.number == EPERM)
}
