// Rings: a software line in this process writes them, and the client reads them through a fake daemon.
import CUIO
import Glibc
import InterruptSync
import LinuxSystem
import TestSupport
import Testing
import UIO
import Varlink

@testable import InterruptSyncClient

/// A software line that records its dispatches in a ring, which the fake daemon gives to its client.
private final class RingSource: @unchecked Sendable {
  let line: SoftwareLine
  let object: InterruptSyncObject
  private let rings = Guarded<[SharedRing]>([])
  private let values = UnsafeMutablePointer<UInt64>.allocate(capacity: 2)

  init() throws {
    line = try SoftwareLine(name: "ring")
    object = InterruptSyncObject(source: line, mode: .normal)
    try object.registerServiceRoutine { .success }
    values[0] = 7
    values[1] = .max
    object.setCaptured(values, count: 2)
    try object.connect()
  }

  deinit {
    try? object.disconnect()
    object.setCaptured(nil, count: 0)
    values.deallocate()
  }

  func subscribe(_ call: VarlinkCall) {
    guard let (ring, ends) = try? SharedRing.make(of: object, capacity: 16) else {
      return call.fail(.permissionDenied)
    }
    rings.withLock { $0.append(ring) }
    call.reply(
      ["ring": 0, "event": 1, "captures": ["status", "mask"]],
      descriptors: [ends.memory, ends.event])
  }

  /// Releases the writing end, as the daemon does when it reconfigures a device.
  func end() { rings.withLock { $0 = [] } }
}

private func daemon(_ source: RingSource) throws -> FakeDaemon {
  try FakeDaemon(.init(name: "Subscribe") { call in source.subscribe(call) })
}

@Test func ringBringsEveryDispatchWithWhatItCaptured() throws {
  let source = try RingSource()
  let daemon = try daemon(source)
  let ring = try daemon.client().subscribe("ring", capacity: 16)
  #expect(ring.captures == ["status", "mask"])
  var total: UInt64 = 0
  var time = Duration.zero
  for count in 1...40 as ClosedRange<UInt64> {
    source.line.trigger(count)
    var here: UInt64 = 0
    while here < count {
      let record = try #require(try ring.next(timeout: .seconds(60)))
      here += record.interrupts
      total += record.interrupts
      #expect(record.total == total)
      #expect(record.claimed)
      #expect(record.captured == [7, .max])
      #expect(record.timestamp >= time)
      time = record.timestamp
    }
  }
  #expect(total == 820)
  #expect(ring.dropped == 0)
  #expect(ring.take() == nil)
  #expect(!ring.hasEnded)
}

@Test func ringThatIsFullCountsWhatItDrops() throws {
  let source = try RingSource()
  let daemon = try daemon(source)
  let ring = try daemon.client().subscribe("ring", capacity: 16)
  for count in 1...100 as ClosedRange<UInt64> {
    source.line.trigger()
    while source.object.statistics().dispatches < count { usleep(100) }
  }
  while ring.dropped < 84 { usleep(100) }
  var last: InterruptRecord?
  var records = 0
  while let record = ring.take() {
    last = record
    records += 1
  }
  #expect(records == 16)
  #expect(ring.dropped == 84)
  source.line.trigger()
  let record = try #require(try ring.next(timeout: .seconds(60)))
  // The total accounts for every interrupt, including those of dropped records.
  #expect(last?.total == 16)
  #expect(record.total == 101)
  #expect(record.dropped == 84)
}

@Test func ringWithoutInterruptsTimesOutAndGoesOn() throws {
  let source = try RingSource()
  let daemon = try daemon(source)
  let ring = try daemon.client().subscribe("ring")
  #expect(failure { _ = try ring.next(timeout: .milliseconds(20)) }?.code == .timedOut)
  #expect(failure { _ = try ring.next(timeout: .zero) }?.code == .timedOut)
  source.line.trigger()
  #expect(try ring.next(timeout: .seconds(60))?.total == 1)
}

@Test func ringThatTheDaemonEndsGivesWhatIsInItAndEnds() throws {
  let source = try RingSource()
  let daemon = try daemon(source)
  let ring = try daemon.client().subscribe("ring")
  source.line.trigger()
  while source.object.statistics().dispatches < 1 { usleep(100) }
  source.end()
  #expect(try ring.next(timeout: .seconds(60))?.total == 1)
  // The observers' thread may still have the end before it.
  #expect(try ring.next(timeout: .seconds(60)) == nil)
  #expect(ring.hasEnded)
}

@Test func ringEndsWithItsDaemon() throws {
  let source = try RingSource()
  let daemon = try daemon(source)
  let ring = try daemon.client().subscribe("ring")
  daemon.stop()
  #expect(try ring.next(timeout: .seconds(60)) == nil)
  #expect(ring.hasEnded)
}

/// The kernel closes a killed daemon's descriptors, and `ended` stays 0: the reader must not spin on its
/// event, which is readable from then on.
@Test func ringEndsWithADaemonThatIsKilled() throws {
  let ends = Guarded<[FileDescriptor]>([])
  let daemon = try FakeDaemon(
    .init(name: "Subscribe") { call in
      var page: UnsafeMutablePointer<cuio_ring_page>?
      let file = FileDescriptor(adopting: cuio_ring_file(16, &page))
      guard let page, let (writer, reader) = try? FileDescriptor.wakePair() else {
        return call.fail(.permissionDenied)
      }
      _ = cuio_unmap(page, Int(cuio_ring_size(16)))
      ends.withLock { $0 = [writer] }
      call.reply(["ring": 0, "event": 1, "captures": []], descriptors: [file, reader])
    })
  let ring = try daemon.client().subscribe("ring")
  #expect(!ring.hasEnded)
  ends.withLock { $0 = [] }
  #expect(try ring.next(timeout: .seconds(60)) == nil)
  #expect(ring.hasEnded)
}

@Test(arguments: ["short", "unsealed", "foreign"])
func memoryThatIsNoRingIsRefused(kind: String) throws {
  let daemon = try FakeDaemon(
    .init(name: "Subscribe") { call in
      let file = FileDescriptor(adopting: memory(kind))
      let event = FileDescriptor(adopting: linux_event_create())
      call.reply(["ring": 0, "event": 1, "captures": []], descriptors: [file, event])
    })
  let error = failure { _ = try daemon.client().subscribe("ring") }
  #expect(error?.code == .protocolViolation)
}

private func memory(_ kind: String) -> Int32 {
  // A ring that claims to be larger than it is, one that is not a ring, and one whose file is not sealed
  // and can be truncated.
  var page: UnsafeMutablePointer<cuio_ring_page>?
  switch kind {
  case "short":
    let fd = cuio_ring_file(16, &page)
    page?.pointee.capacity = 32
    return fd
  case "foreign":
    let fd = cuio_ring_file(16, &page)
    page?.pointee.magic = 0
    return fd
  default:
    let fd = cuio_ring_file(16, &page)
    var template = Array("/tmp/client-ring-XXXXXX".utf8CString)
    let copy = mkstemp(&template)
    unlink(template)
    let size = Int(cuio_ring_size(16))
    guard let page, ftruncate(copy, off_t(size)) == 0, write(copy, page, size) == size else {
      return -1
    }
    close(fd)
    return copy
  }
}

@Test func descriptorThatDidNotComeIsTold() throws {
  let daemon = try FakeDaemon(
    "Subscribe", ["ring": 0, "event": 1, "captures": []])
  #expect(failure { _ = try daemon.client().subscribe("ring") }?.code == .protocolViolation)
}
