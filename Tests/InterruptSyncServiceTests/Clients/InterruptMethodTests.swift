// io.interruptsync against the built daemon: rings, streams, transactions, attachments.
import CLinuxSystem
import CUIO
import Glibc
import TestSupport
import Testing
import UIO
import Varlink

@testable import InterruptSyncService

@Test func aRingBringsEveryInterruptToAnotherProcess() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let reply = try client.call("io.interruptsync.Subscribe", ["device": "soft", "capacity": 64])
  try #require(reply.descriptors.count == 2)
  let size = cuio_ring_size(64)
  var status = stat()
  try #require(fstat(reply.descriptors[0].raw, &status) == 0 && status.st_size == Int(size))
  var address: UnsafeMutableRawPointer?
  try #require(cuio_map(reply.descriptors[0].raw, 0, Int(size), true, &address) == 0)
  let page = try #require(address).assumingMemoryBound(to: cuio_ring_page.self)
  defer { _ = cuio_unmap(page, Int(size)) }
  try #require(cuio_ring_is_valid(page, size))
  var sum: UInt64 = 0
  for count in 1...200 {
    _ = try client.ask("Trigger", ["device": "soft", "count": .integer(Int64(count % 5 + 1))])
    let wanted = sum + UInt64(count % 5 + 1)
    while sum < wanted {
      var entry = cuio_ring_entry()
      if cuio_ring_take(page, cuio_ring_entries(page), 63, &entry) {
        sum += entry.count
        #expect(entry.total == sum)
      } else if !cuio_ring_sleep(page) {
        let result = cuio_wait(reply.descriptors[1].raw, -1, 60_000, false)
        try #require(result == Int32(CUIO_WAIT_READABLE))
        _ = linux_wake_pair_drain(reply.descriptors[1].raw)
      }
    }
  }
  #expect(try client.interrupts("soft") == sum)
  _ = try client.ask("SetMode", ["device": "soft", "mode": "all"])
  try eventually("the end of the ring") { cuio_ring_has_ended(page) }
}

@Test func eventsArePutTogether() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let other = try daemon.client()
  // Answered calls come before the stream's first, so that it has begun.
  _ = try other.ask("ListDevices")
  var replies = try other.stream("io.interruptsync.Events", ["device": "soft"])
  var seen: UInt64 = 0
  var triggered: UInt64 = 0
  while seen == 0 {
    _ = try client.ask("Trigger", ["device": "soft"])
    triggered += 1
    if let reply = try? replies.next(timeout: .milliseconds(500)) {
      seen += reply.parameters["interrupts"]?.uint64 ?? 0
    }
  }
  for _ in 0..<500 { _ = try client.ask("Trigger", ["device": "soft", "count": 3]) }
  let missed = triggered - seen
  while seen + missed < triggered + 1500 {
    let reply = try #require(try replies.next())
    seen += reply.parameters["interrupts"]?.uint64 ?? 0
    #expect((reply.parameters["dispatches"]?.uint64 ?? 0) > 0)
    if seen == triggered + 1500 { break }
  }
  #expect(seen <= triggered + 1500)
}

@Test func aStreamFollowsItsDeviceThroughChangesAndEndsWithIt() throws {
  let daemon = try RunningDaemon(softwareLines("soft", "other"))
  let client = try daemon.client()
  let watcher = try daemon.client()
  var replies = try watcher.stream("io.interruptsync.Events", ["device": "soft"])
  // The stream has no interrupts from before it began.
  repeat {
    _ = try client.ask("Trigger", ["device": "soft"])
  } while (try? replies.next(timeout: .milliseconds(300))) == nil
  while (try? replies.next(timeout: .milliseconds(300))) != nil {}
  func expectOne(_ change: String) throws {
    _ = try client.ask("Trigger", ["device": "soft"])
    let reply = try replies.next()
    #expect(reply?.parameters["interrupts"] == 1, "\(change)")
  }
  _ = try client.ask("SetMode", ["device": "soft", "mode": "all"])
  try expectOne("another mode")
  _ = try client.ask("Disconnect", ["device": "soft"])
  _ = try client.ask("Connect", ["device": "soft", "persistent": true])
  try expectOne("connected again")
  let path = "etc/interruptsync/devices/10-soft.device"
  try daemon.folder.write(path, "[Match]\nSoftwareLine=soft\n[Device]\nStormLimit=100\n")
  _ = try client.ask("Reload")
  try expectOne("another configuration")
  try daemon.folder.write(path, "[Match]\nSoftwareLine=other\n")
  _ = try client.ask("Reload")
  #expect {
    while try replies.next() != nil {}
  } throws: {
    ($0 as? VarlinkError)?.reply?.name == "io.interruptsync.NoSuchDevice"
  }
}

@Test func aStreamWhoseClientIsFoundGoneWhileItSendsEndsAlone() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  for _ in 0..<40 {
    do {
      let gone = try daemon.client()
      var replies = try gone.stream("io.interruptsync.Events", ["device": "soft"])
      repeat {
        _ = try client.ask("Trigger", ["device": "soft"])
      } while (try? replies.next(timeout: .milliseconds(100))) == nil
      // The stream pauses now. Its next reply falls due before its client goes, and is sent after.
      _ = try client.ask("Trigger", ["device": "soft"])
      daemon.signal(SIGSTOP)
      usleep(25_000)
    }
    daemon.signal(SIGCONT)
    #expect(try client.state("soft") == "connected")
  }
  #expect(daemon.stop() == 0)
}

@Test func transactionsNeedRegistersAndAConnection() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let read: JSON = ["operation": "read", "register": "bar0:0/32"]
  #expect(
    client.refusal("Transact", ["device": "soft", "operations": [read]]) == "BadRegister")
  #expect(try client.ask("Transact", ["device": "soft", "operations": []])["results"] == [])
  let many = JSON.array([JSON](repeating: read, count: 65))
  #expect(client.refusal("Transact", ["device": "soft", "operations": many]) == "TooLarge")
  for wrong: JSON in [
    ["operation": "write", "register": "bar0:0/32"], ["operation": "erase", "register": "bar0:0"],
    ["operation": "write", "register": "bar0:0", "value": -1],
    ["operation": "wait", "register": "bar0:0", "value": 1],
  ] {
    #expect(
      client.refusal("Transact", ["device": "soft", "operations": [wrong]]) == "InvalidParameter")
  }
  _ = try client.ask("Disconnect", ["device": "soft"])
  #expect(client.refusal("Transact", ["device": "soft", "operations": []]) == "WrongState")
}

@Test func anAttachedClientServicesTheLine() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let other = try daemon.client()
  let event = try #require(
    try client.call("io.interruptsync.Attach", ["device": "soft"]).descriptors.first)
  #expect(try other.state("soft") == "attached")
  #expect(other.refusal("Attach", ["device": "soft"]) == "Busy")
  #expect(other.refusal("Complete", ["device": "soft", "claimed": true]) == "NotAttached")
  // It has the same user.
  #expect(try other.ask("Transact", ["device": "soft", "operations": []])["results"] == [])
  for count in 1...20 {
    _ = try other.ask("Trigger", ["device": "soft", "count": .integer(Int64(count))])
    #expect(cuio_wait(event.raw, -1, 60_000, false) == Int32(CUIO_WAIT_READABLE))
    _ = linux_wake_pair_drain(event.raw)
    let answer = try client.ask("Complete", ["device": "soft", "claimed": true])
    #expect(answer["interrupts"] == .integer(Int64(count)))
  }
  _ = try client.ask("Detach", ["device": "soft"])
  #expect(client.refusal("Complete", ["device": "soft", "claimed": true]) == "NotAttached")
  #expect(try other.state("soft") == "connected")
}

/// Calls and claims by the routine's name.
private func routines(_ client: VarlinkClient, _ device: String) throws -> [String: [UInt64]] {
  let all = try client.ask("GetStatistics", ["device": .string(device)])["statistics"]?.array
  let list = all?.first?.object?["routines"]?.array ?? []
  return Dictionary(
    uniqueKeysWithValues: list.map { routine in
      let figures = ["calls", "claims"].map { routine.object?[$0]?.uint64 ?? .max }
      return (routine.object?["name"]?.string ?? "", figures)
    })
}

@Test func routineCountsSurviveAttachmentsReloadsAndDisconnectsAsTotalsDo() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let owner = try daemon.client()
  func raise(total: UInt64) throws {
    _ = try client.ask("Trigger", ["device": "soft"])
    try eventually("a dispatch") { try client.interrupts("soft") == total }
  }
  for total: UInt64 in 1...3 { try raise(total: total) }
  #expect(try routines(client, "soft") == ["software": [3, 3]])
  for round: UInt64 in 1...2 {
    _ = try owner.ask("Attach", ["device": "soft"])
    try raise(total: 3 + round)
    try eventually("the client's call") {
      try routines(client, "soft") == ["client": [round, round]]
    }
    _ = try owner.ask("Complete", ["device": "soft", "claimed": true])
    _ = try owner.ask("Detach", ["device": "soft"])
    #expect(try routines(client, "soft") == ["software": [3, 3]])
  }
  try raise(total: 6)
  for (round, mode) in ["all", "normal"].enumerated() {
    let path = "etc/interruptsync/devices/10-soft.device"
    try daemon.folder.write(path, "[Match]\nSoftwareLine=soft\n[Device]\nMode=\(mode)\n")
    _ = try client.ask("Reload")
    try raise(total: 7 + UInt64(round))
  }
  #expect(try routines(client, "soft") == ["software": [6, 6]])
  _ = try client.ask("Disconnect", ["device": "soft"])
  _ = try client.ask("Connect", ["device": "soft", "persistent": true])
  _ = try client.ask("SetMode", ["device": "soft", "mode": "all"])
  try raise(total: 9)
  #expect(try routines(client, "soft") == ["software": [7, 7]])
}

@Test func anAttachmentEndsWithItsConnectionAndByItsDeadline() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  do {
    let gone = try daemon.client()
    _ = try gone.ask("Attach", ["device": "soft"])
    #expect(try client.state("soft") == "attached")
  }
  try eventually("the end of the attachment") { try client.state("soft") == "connected" }
  let late = try daemon.client()
  _ = try late.ask("Attach", ["device": "soft", "deadlineMicroseconds": 1000])
  _ = try client.ask("Trigger", ["device": "soft"])
  try eventually("the deadline") { try client.state("soft") == "connected" }
  #expect(late.refusal("Complete", ["device": "soft", "claimed": true]) == "NotAttached")
  #expect(daemon.log.contains("missed its deadline"))
  _ = try late.ask("Attach", ["device": "soft"])
  #expect(
    late.refusal("Attach", ["device": "soft", "deadlineMicroseconds": 0]) == "Busy")
}

@Test func registrationsOfAUserAreLimited() throws {
  var files = softwareLines("soft0", "soft1", "soft2")
  files["interruptsyncd.conf"] =
    "[Daemon]\nRegistrationsPerUserMax=2\nSubscriptionsPerUserMax=1\n"
  let daemon = try RunningDaemon(files)
  let client = try daemon.client()
  do {
    let other = try daemon.client()
    _ = try other.ask("Attach", ["device": "soft0"])
    _ = try other.ask("Attach", ["device": "soft1"])
    _ = try other.ask("Subscribe", ["device": "soft2"])
    #expect(client.refusal("Attach", ["device": "soft2"]) == "TooManyRegistrations")
    #expect(client.refusal("Subscribe", ["device": "soft2"]) == "TooManyRegistrations")
  }
  try eventually("room again") { client.refusal("Attach", ["device": "soft2"]) == "" }
  #expect(client.refusal("Subscribe", ["device": "soft1"]) == "")
}

@Test func whoWaitsForAnInterruptIsWokenWhenTheAttachmentEnds() throws {
  let daemon = try RunningDaemon(softwareLines("soft"))
  let client = try daemon.client()
  let event = try client.call(
    "io.interruptsync.Attach", ["device": "soft", "deadlineMicroseconds": 50_000]
  ).descriptors[0]
  _ = try client.ask("Trigger", ["device": "soft"])
  for what in ["the interrupt", "the end, as it is not completed"] {
    let result = cuio_wait(event.raw, -1, 10_000, false)
    // At the end the daemon closes its end of the pair as well.
    try #require(result & Int32(CUIO_WAIT_READABLE) != 0, "\(what)")
    _ = linux_wake_pair_drain(event.raw)
  }
  #expect(client.refusal("Complete", ["device": "soft", "claimed": true]) == "NotAttached")
}
