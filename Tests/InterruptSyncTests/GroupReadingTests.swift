// How often a group's thread asks which lines are ready, and how often it reads a line.
import Glibc
import LinuxSystem
import Testing
import TestSupport

@testable import InterruptSync

/// The routine of a line raises the next interrupt until `total` have been served.
private func chain(_ lines: [SoftwareLine], _ total: Int) throws -> DispatcherGroupStatistics {
  let group = try DispatcherGroup(attributes: DispatcherAttributes(waiting: .block))
  let served = Counter()
  let objects = try lines.indices.map { index in
    let object = InterruptSyncObject(
      source: lines[index], mode: .normal, options: InterruptSyncOptions(group: group))
    let next = lines[(index + 1) % lines.count]
    try object.registerServiceRoutine {
      served.add()
      if served.value < total { next.trigger() }
      return .success
    }
    try object.connect()
    return object
  }
  lines[0].trigger()
  try eventually("the last interrupt") { served.value == total }
  let statistics = group.statistics()
  for object in objects { try object.disconnect() }
  return statistics
}

@Test func aLineThatNeverRestsIsReadAgainBeforeThePollerIsAsked() throws {
  let rounds = try chain([SoftwareLine()], 9_000).rounds
  // Eight reads for each time that the poller is asked, and some for the start.
  #expect(rounds < 9_000 / 4, "\(rounds) rounds")
}

@Test func linesThatFireInTurnsAreReadOnce() throws {
  let rounds = try chain([SoftwareLine(), SoftwareLine()], 9_000).rounds
  #expect(rounds >= 9_000, "\(rounds) rounds")
}

/// `flags` are those of eventfd(2), which the C library's overlay leaves out.
private func eventfd(_ flags: Int32) throws -> Int32 {
  typealias Function = @convention(c) (UInt32, Int32) -> Int32
  let symbol = try #require(dlsym(nil, "eventfd"))
  return unsafeBitCast(symbol, to: Function.self)(0, flags)
}

@Test func oneReadTakesAllOfWhatTheKernelSaysIsNoSemaphore() throws {
  let counter = try eventfd(0), semaphore = try eventfd(1)
  defer {
    close(counter)
    close(semaphore)
  }
  let info = try FileDescriptor.contents("/proc/self/fdinfo/\(counter)")
  let isTold = String(decoding: info, as: UTF8.self).contains("eventfd-semaphore")
  #expect(try FileDescriptorLine(counter, format: .eventCounter).readTakesAll == isTold)
  #expect(try !FileDescriptorLine(semaphore, format: .eventCounter).readTakesAll)
  #expect(try !Pipe().line.readTakesAll)
}
