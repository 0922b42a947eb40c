// Interrupt events in memory that another process shares.
import CLinuxSystem
import CUIO
import Glibc
import Testing

@testable import InterruptSync

/// What a subscriber in another process does: it has two descriptors and nothing else.
private final class Subscriber {
  let page: UnsafeMutablePointer<cuio_ring_page>
  let event: Int32
  private let size: Int
  private let ends: SharedRing.Ends

  init(_ ends: SharedRing.Ends) throws {
    self.ends = ends
    var status = stat()
    try #require(fstat(ends.memory.raw, &status) == 0)
    size = Int(status.st_size)
    event = ends.event.raw
    var address: UnsafeMutableRawPointer?
    try #require(cuio_map(ends.memory.raw, 0, size, true, &address) == 0)
    page = address!.assumingMemoryBound(to: cuio_ring_page.self)
    try #require(cuio_ring_is_valid(page, UInt64(size)))
  }

  deinit { _ = cuio_unmap(page, size) }

  /// Waits for the end of the ring.
  func end() throws {
    try eventually("the end of the ring") { cuio_ring_has_ended(page) }
  }

  func take() -> cuio_ring_entry? {
    var entry = cuio_ring_entry()
    let mask = page.pointee.capacity - 1
    return cuio_ring_take(page, cuio_ring_entries(page), mask, &entry) ? entry : nil
  }

  /// Sleeps until there is an event.
  func next() throws -> cuio_ring_entry {
    while true {
      if let entry = take() { return entry }
      if cuio_ring_sleep(page) { continue }
      let result = cuio_wait(event, -1, Int32(patience) * 1000, false)
      guard result == Int32(CUIO_WAIT_READABLE) else { throw Hung("an event in the ring") }
      _ = linux_wake_pair_drain(event)
    }
  }
}

private func connected(_ line: SoftwareLine) throws -> InterruptSyncObject {
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine { .success }
  try object.connect()
  return object
}

@Test func ring_everyInterruptReachesASubscriber() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  let (ring, ends) = try SharedRing.make(of: object, capacity: 1000)
  let subscriber = try Subscriber(ends)
  #expect(subscriber.page.pointee.capacity == 1024)
  var interrupts: UInt64 = 0
  var last: UInt64 = 0
  for round in 1...2000 {
    line.trigger(UInt64(round % 3 + 1))
    if round % 10 != 0 { continue }
    while object.statistics().interrupts > interrupts {
      let entry = try subscriber.next()
      interrupts += entry.count
      #expect(entry.total == interrupts && entry.dropped == 0 && entry.time >= last)
      last = entry.time
    }
  }
  try object.disconnect()
  while interrupts < object.statistics().interrupts { interrupts += try subscriber.next().count }
  #expect(interrupts == object.statistics().interrupts)
  withExtendedLifetime(ring) {}
}

@Test func ring_fullDropsAndTheTotalTellsThatNothingIsLost() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  let (ring, ends) = try SharedRing.make(of: object, capacity: 2)
  let subscriber = try Subscriber(ends)
  for count in 1...5 {
    line.trigger()
    try eventually("the dispatch") { object.dispatchCount == UInt64(count) }
  }
  try eventually("three drops") { cuio_ring_dropped(subscriber.page) == 3 }
  #expect(try subscriber.next().total == 1)
  #expect(try subscriber.next().total == 2)
  line.trigger()
  let entry = try subscriber.next()
  #expect(entry.total == 6 && entry.dropped == 3)
  withExtendedLifetime(ring) {}
}

@Test func ring_carriesCapturedValues() throws {
  let line = try SoftwareLine()
  let values = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)
  defer { values.deallocate() }
  values.initialize(repeating: 0, count: 2)
  let address = Int(bitPattern: values)
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine {
    let values = UnsafeMutablePointer<UInt64>(bitPattern: address)!
    values[0] += 1
    values[1] += 10
    return .success
  }
  object.setCaptured(values, count: 2)
  try object.connect()
  let (ring, ends) = try SharedRing.make(of: object, capacity: 8)
  defer { withExtendedLifetime(ring) {} }
  let subscriber = try Subscriber(ends)
  for round in 1...3 {
    line.trigger()
    let entry = try subscriber.next()
    #expect(entry.captures == 2)
    #expect(entry.captured.0 == UInt64(round) && entry.captured.1 == UInt64(round * 10))
  }
  object.setCaptured(nil, count: 0)
  line.trigger()
  #expect(try subscriber.next().captures == 0)
  try object.disconnect()
}

@Test func ring_aHostileSubscriberDisturbsNobody() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  let rings = try (0..<2).map { _ in try SharedRing.make(of: object, capacity: 16) }
  defer { withExtendedLifetime(rings) {} }
  let hostile = try Subscriber(rings[0].ends)
  let honest = try Subscriber(rings[1].ends)
  for round in 1...100 {
    memset(hostile.page, Int32(round * 37 & 0xff), MemoryLayout<cuio_ring_page>.size)
    line.trigger()
    #expect(try honest.next().total == UInt64(round))
  }
}

@Test func ring_endsWithItsReleaseAfterWhatWasRecorded() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  var (ring, ends): (SharedRing?, SharedRing.Ends) = try SharedRing.make(of: object, capacity: 16)
  let subscriber = try Subscriber(ends)
  line.trigger()
  try eventually("the dispatch") { object.dispatchCount == 1 }
  ring = nil
  try subscriber.end()
  #expect(subscriber.take()?.total == 1)
  line.trigger()
  try eventually("the dispatch") { object.dispatchCount == 2 }
  try object.callSynchronizedRoutine {}
  #expect(subscriber.take() == nil)
}

@Test func ring_endsWithItsObjectAfterWhatWasRecorded() throws {
  let line = try SoftwareLine()
  var object: InterruptSyncObject? = try connected(line)
  let (ring, ends) = try SharedRing.make(of: object!, capacity: 16)
  let subscriber = try Subscriber(ends)
  line.trigger()
  try eventually("the dispatch") { object?.dispatchCount == 1 }
  object = nil
  try subscriber.end()
  #expect(subscriber.take()?.total == 1)
  withExtendedLifetime(ring) {}
}

@Test func ring_anObserverOfTwoObjectsAtOnceGetsEveryRecordOfEach() throws {
  let lines = try (0..<2).map { _ in try SoftwareLine() }
  let objects = try lines.map(connected)
  let rings = try objects.flatMap { object in
    try (0..<3).map { _ in try SharedRing.make(of: object, capacity: 4096) }
  }
  let subscribers = try rings.map { try Subscriber($0.ends) }
  for _ in 0..<500 { for line in lines { line.trigger() } }
  for (index, subscriber) in subscribers.enumerated() {
    var interrupts: UInt64 = 0
    while interrupts < 500 {
      let entry = try subscriber.next()
      interrupts += entry.count
      #expect(entry.total == interrupts && entry.dropped == 0, "ring \(index)")
    }
  }
  withExtendedLifetime((objects, rings)) {}
}

/// O_NONBLOCK belongs to the open file: an end that its holder makes blocking and never reads.
@Test func ring_aSubscriberThatBlocksItsDescriptorStopsNoDispatchAndNoOtherRing() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  var (ring, ends): (SharedRing?, SharedRing.Ends) = try SharedRing.make(of: object, capacity: 16)
  let hostile = try Subscriber(ends)
  #expect(fcntl(hostile.event, F_SETFL, 0) == 0)
  let (other, otherEnds) = try SharedRing.make(of: object, capacity: 16)
  let honest = try Subscriber(otherEnds)
  var round: UInt64 = 0
  // The least buffer that a socket can have takes fewer wake-ups than these.
  while round < 2000 {
    hostile.page.pointee.asleep = 1
    hostile.page.pointee.read = round
    line.trigger()
    round += 1
    #expect(try honest.next().total == round)
  }
  // Its release waits for nothing either.
  ring = nil
  line.trigger()
  #expect(try honest.next().total == round + 1)
  try hostile.end()
  withExtendedLifetime(other) {}
}

/// A routine that hangs holds the interrupt lock.
@Test func ring_isMadeAndReleasedWhileARoutineHoldsTheLock() throws {
  let line = try SoftwareLine()
  let gate = Gate()
  let object = InterruptSyncObject(source: line, mode: .normal)
  try object.registerServiceRoutine {
    gate.wait()
    return .success
  }
  try object.connect()
  line.trigger()
  try eventually("the routine") { gate.isEntered }
  var (ring, ends): (SharedRing?, SharedRing.Ends) = try SharedRing.make(of: object, capacity: 16)
  let subscriber = try Subscriber(ends)
  gate.open()
  #expect(try subscriber.next().total == 1)
  ring = nil
  try subscriber.end()
  try object.disconnect()
}

/// The observers' thread may take a record before it knows of the observer that the record is for.
@Test func ring_thatIsMadeWhileOthersAreReadGetsTheNextRecord() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  for round in 1...300 as ClosedRange<UInt64> {
    let others = try (0..<2).map { _ in try SharedRing.make(of: object, capacity: 16) }
    let (ring, ends) = try SharedRing.make(of: object, capacity: 16)
    let subscriber = try Subscriber(ends)
    line.trigger()
    #expect(try subscriber.next().total == round)
    withExtendedLifetime((others, ring)) {}
  }
}

@Test func ring_refusesACapacityThatItCannotHave() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  for capacity in [-1, 0, 65537] {
    #expect(throws: InterruptSyncError.self) {
      try SharedRing.make(of: object, capacity: capacity)
    }
  }
}
