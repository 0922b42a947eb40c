// The client library against the real daemon, with software lines.
import Glibc
import InterruptSyncClient
import Testing

private func code(_ body: () throws -> Void) -> InterruptSyncClientError.Code? {
  do { try body() } catch { return (error as? InterruptSyncClientError)?.code }
  return nil
}

@Test func everyInterruptReachesTheRing() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  let ring = try client.subscribe("beat", capacity: 4096)
  let before = try client.statistics(of: "beat").interrupts
  for _ in 0..<1000 { try client.trigger("beat", count: 3) }
  var counted: UInt64 = 0
  while counted < 3000 {
    let record = try #require(try ring.next(timeout: .seconds(60)))
    counted += record.interrupts
    #expect(record.total == before + counted)
  }
  #expect(counted == 3000)
  #expect(ring.dropped == 0)
  #expect(try client.statistics(of: "beat").interrupts == before + 3000)
}

@Test func attachmentThatIsLateIsLostAndTheNextOneWorks() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  let late = try client.attach("beat", deadline: .milliseconds(20))
  try client.trigger("beat")
  #expect(try late.wait(timeout: .seconds(60)))
  // The end of the attachment wakes the waiting client.
  #expect(try late.wait(timeout: .seconds(60)))
  #expect(code { _ = try late.complete() } == .notAttached)
  #expect(code { try late.detach() } == .notAttached)
  let next = try client.attach("beat")
  #expect(code { _ = try client.attach("beat") } == .busy)
  #expect(try client.transact("beat", []).isEmpty)
  #expect(try next.transact([]) == [])
  try client.trigger("beat", count: 2)
  #expect(try next.wait(timeout: .seconds(60)))
  #expect(try next.complete() >= 2)
  try next.detach()
  #expect(try client.describe("beat").state == .connected)
}

@Test func attachmentEndsWithItsObject() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  var changes = try client.watchDevices()
  do {
    let device = try client.attach("beat")
    _ = device.descriptor
    while try changes.next(timeout: .seconds(60))?.devices.first?.state != .attached {}
  }
  while try changes.next(timeout: .seconds(60))?.devices.first?.state != .connected {}
}

@Test func connectionThatConnectedADeviceTakesItWithIt() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  try client.disconnect("beat")
  var changes = try client.watchDevices()
  #expect(try changes.next(timeout: .seconds(60))?.devices.first?.state == .listed)
  do {
    let other = try InterruptSyncClient(address: daemon.address)
    try other.connect("beat")
    #expect(code { try other.connect("beat") } == .wrongState)
    while try changes.next(timeout: .seconds(60))?.devices.first?.state != .connected {}
  }
  while try changes.next(timeout: .seconds(60))?.devices.first?.state != .listed {}
}

@Test func summariesMissNothingOnceTheyHaveBegun() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  var summaries = try client.events("beat")
  // Interrupts before the stream began do not count.
  var (counted, triggered): (UInt64, UInt64) = (0, 0)
  while counted == 0 {
    try client.trigger("beat")
    triggered += 1
    do { counted = try summaries.next(timeout: .milliseconds(50))?.interrupts ?? 0 } catch {
      guard error.code == .timedOut else { throw error }
    }
  }
  for _ in 0..<50 { try client.trigger("beat", count: 2) }
  triggered += 100
  let goal = counted + 100
  while counted < goal { counted += try summaries.next(timeout: .seconds(60))?.interrupts ?? 0 }
  #expect(counted <= triggered)
}

@Test func unknownDevicesAndSettingsAreRefused() throws {
  let daemon = try Daemon("beat")
  let client = try InterruptSyncClient(address: daemon.address)
  #expect(code { _ = try client.describe("nosuch") } == .noSuchDevice)
  #expect(code { _ = try client.subscribe("nosuch") } == .noSuchDevice)
  #expect(code { _ = try client.subscribe("beat", capacity: 1) } == .invalidArgument)
  #expect(code { _ = try client.attach("beat", deadline: .seconds(3600)) } == .invalidArgument)
  #expect(code { try client.trigger("beat", count: 0) } == .invalidArgument)
  #expect(code { try client.setPolicy("beat", .fifo(100)) } == .invalidArgument)
}
