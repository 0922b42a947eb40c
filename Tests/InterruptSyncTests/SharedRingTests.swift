// Interrupt events in memory that another process shares.
import CUIO
import Glibc
import Testing

@testable import InterruptSync

/// What a subscriber in another process does: it has two descriptors and nothing else.
private final class Subscriber {
  let page: UnsafeMutablePointer<cuio_ring_page>
  private let size: Int
  private let event: Int32

  init(_ ring: SharedRing) throws {
    var status = stat()
    try #require(fstat(ring.memory.raw, &status) == 0)
    size = Int(status.st_size)
    event = ring.event.raw
    var address: UnsafeMutableRawPointer?
    try #require(cuio_map(ring.memory.raw, 0, size, true, &address) == 0)
    page = address!.assumingMemoryBound(to: cuio_ring_page.self)
    try #require(cuio_ring_is_valid(page, UInt64(size)))
  }

  deinit { _ = cuio_unmap(page, size) }

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
      _ = linux_event_drain(event)
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
  let ring = try SharedRing(of: object, capacity: 1000)
  let subscriber = try Subscriber(ring)
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
  while let entry = subscriber.take() { interrupts += entry.count }
  #expect(interrupts == object.statistics().interrupts)
}

@Test func ring_fullDropsAndTheTotalTellsThatNothingIsLost() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  let ring = try SharedRing(of: object, capacity: 2)
  let subscriber = try Subscriber(ring)
  for count in 1...5 {
    line.trigger()
    try eventually("the dispatch") { object.dispatchCount == UInt64(count) }
  }
  try object.callSynchronizedRoutine {}
  #expect(ring.dropped == 3)
  #expect(try subscriber.next().total == 1)
  #expect(try subscriber.next().total == 2)
  line.trigger()
  let entry = try subscriber.next()
  #expect(entry.total == 6 && entry.dropped == 3)
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
  let ring = try SharedRing(of: object, capacity: 8)
  defer { withExtendedLifetime(ring) {} }
  let subscriber = try Subscriber(ring)
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
  let rings = try (0..<2).map { _ in try SharedRing(of: object, capacity: 16) }
  defer { withExtendedLifetime(rings) {} }
  let hostile = try Subscriber(rings[0])
  let honest = try Subscriber(rings[1])
  for round in 1...100 {
    memset(hostile.page, Int32(round * 37 & 0xff), MemoryLayout<cuio_ring_page>.size)
    line.trigger()
    #expect(try honest.next().total == UInt64(round))
  }
}

@Test func ring_endsWithItsRelease() throws {
  let line = try SoftwareLine()
  let object = try connected(line)
  var ring: SharedRing? = try SharedRing(of: object, capacity: 16)
  let descriptors = [ring!.memory.raw, ring!.event.raw]
  let subscriber = try Subscriber(ring!)
  line.trigger()
  #expect(try subscriber.next().total == 1)
  ring = nil
  for descriptor in descriptors { #expect(fcntl(descriptor, F_GETFD) == -1) }
  line.trigger()
  try eventually("the dispatch") { object.dispatchCount == 2 }
  try object.callSynchronizedRoutine {}
  #expect(subscriber.take() == nil)
}

@Test func ring_refusesACapacityThatItCannotHave() throws {
  let object = InterruptSyncObject(source: try SoftwareLine(), mode: .normal)
  for capacity in [-1, 0, 65537] {
    #expect(throws: InterruptSyncError.self) { try SharedRing(of: object, capacity: capacity) }
  }
}
