// Random histories of an object against plain references: the list of routines as an array, the kernel's
// running total as a sum of 64 bits, deferred routines as a set.
import CUIO
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import InterruptSync

/// P10 to P14, N7, N8: registrations at both ends and cancels between dispatches.
@Test func theListOfRoutinesIsAnArrayWhateverIsRegisteredAndCancelled() throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(60) {
    let line = try SoftwareLine()
    let object = InterruptSyncObject(
      source: line, mode: .all,
      options: InterruptSyncOptions(storm: .off, connectsWithoutRoutines: true))
    let calls = Guarded<[Int]>([])
    var list: [Int] = []
    var registrations: [Int: ServiceRoutineRegistration] = [:]
    var dispatches: UInt64 = 0
    var history: [String] = []
    try object.connect()
    for name in 0..<Int.random(in: 1...30, using: &random) {
      switch Int.random(in: 0..<4, using: &random) {
      case 0, 1:
        let first = Bool.random(using: &random)
        registrations[name] = try object.registerServiceRoutine(first: first) {
          calls.withLock { $0.append(name) }
          return .success
        }
        list.insert(name, at: first ? 0 : list.count)
        history.append("register \(name) first=\(first)")
      case 2:
        // Also one that is cancelled already.
        guard let victim = registrations.keys.sorted().randomElement(using: &random) else {
          continue
        }
        registrations[victim]?.cancel()
        list.removeAll { $0 == victim }
        history.append("cancel \(victim)")
      default:
        calls.withLock { $0 = [] }
        dispatches += 1
        line.trigger()
        try object.awaitDispatches(dispatches)
        let seen = calls.withLock { $0 }
        #expect(seen == list, "\(history)")
      }
    }
    try object.disconnect()
  }
}

/// Facts 8 and 10: running totals of 32 bits, from anywhere, in steps of any size.
@Test func countsAddUpWhereverTheTotalBeginsAndHoweverFarItGoes() throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(60) {
    let (reading, writing) = try pipeEnds()
    let begins: [UInt32] = [0, .max, 1 << 31, .random(in: 0 ... .max, using: &random)]
    let start = begins.randomElement(using: &random) ?? 0
    let line = try FileDescriptorLine(reading.raw, format: .totals, total: start)
    let object = InterruptSyncObject(
      source: line, mode: .normal, options: InterruptSyncOptions(storm: .off))
    try object.registerServiceRoutine { .success }
    try object.connect()
    var total = start
    var sum: UInt64 = 0
    var steps: [UInt32] = []
    for _ in 0..<Int.random(in: 1...20, using: &random) {
      let choices: [UInt32] = [1, 2, 1 << 31, .max, .random(in: 1 ... .max, using: &random)]
      let step = choices.randomElement(using: &random) ?? 1
      total &+= step
      sum += UInt64(step)
      steps.append(step)
      try writing.put(total: total)
    }
    try eventually("\(sum) interrupts from \(start) by \(steps); \(object.statistics())") {
      object.statistics().interrupts >= sum
    }
    #expect(object.statistics().interrupts == sum, "from \(start) by \(steps)")
    try object.disconnect()
  }
}

extension FileDescriptor {
  fileprivate func put(total: UInt32) throws {
    var total = total
    #expect(write(raw, &total, 4) == 4)
  }
}

/// D1: what was queued and not taken back runs once, and nothing else runs.
@Test func deferredRoutinesRunOncePerQueueingThatWasNotTakenBack() throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(60) {
    let queue = try DeferredQueue()
    let gate = Gate()
    let holder = DeferredRoutine(on: queue) { gate.wait() }
    let calls = Guarded<[Int]>([])
    let routines = (0..<5).map { name in
      DeferredRoutine(on: queue) { calls.withLock { $0.append(name) } }
    }
    holder.enqueue()
    try eventually("the queue's thread") { gate.isEntered }
    var queued: Set<Int> = []
    for _ in 0..<Int.random(in: 0...40, using: &random) {
      let name = Int.random(in: 0..<routines.count, using: &random)
      if Bool.random(using: &random) {
        #expect(routines[name].enqueue() == queued.insert(name).inserted)
      } else {
        #expect(routines[name].remove() == (queued.remove(name) != nil))
      }
    }
    gate.open()
    try queue.flush()
    #expect(calls.withLock { $0.sorted() } == queued.sorted())
  }
}

/// A ring against a queue that drops what has no room.
@Test func aRingIsAQueueThatDropsWhatHasNoRoom() throws {
  var random = SeededGenerator()
  for _ in 0..<repetitions(200) {
    let capacity = UInt64(1) << UInt64.random(in: 0...5, using: &random)
    var made: UnsafeMutablePointer<cuio_ring_page>?
    let file = FileDescriptor(adopting: cuio_ring_file(capacity, &made))
    let page = try #require(made)
    defer { _ = cuio_unmap(page, Int(cuio_ring_size(capacity))) }
    var ring = cuio_ring(
      page: page, entries: cuio_ring_entries(page), mask: capacity - 1, written: 0, dropped: 0,
      noted: nil, captures: 0, bell: nil)
    var queue: [UInt64] = []
    var dropped: UInt64 = 0
    for number in 1...UInt64.random(in: 1...200, using: &random) {
      if Int.random(in: 0..<5, using: &random) < 3 {
        var entry = cuio_ring_entry()
        entry.total = number
        cuio_ring_copy(&ring, &entry, 1, 0, 0)
        if queue.count < Int(capacity) { queue.append(number) } else { dropped += 1 }
        #expect(cuio_ring_dropped(page) == dropped)
      } else {
        var entry = cuio_ring_entry()
        let isThere = cuio_ring_take(page, cuio_ring_entries(page), capacity - 1, &entry)
        #expect(isThere == !queue.isEmpty)
        if isThere { #expect(entry.total == queue.removeFirst()) }
      }
    }
    withExtendedLifetime(file) {}
  }
}
