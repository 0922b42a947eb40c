// The limit on the memory of all rings of one user.
import InterruptSync
import TestSupport
import Testing
import Varlink

@testable import InterruptSyncService

/// Three rings of 1024 records, and nothing more.
private let limit = 3 * SharedRing.size(capacity: 1024)

private func daemon(_ limit: Int) throws -> RunningDaemon {
  try RunningDaemon(
    softwareLines("soft", "other").merging(
      ["interruptsyncd.conf": "[Daemon]\nRingMemoryPerUserMax=\(limit)\n"]) { first, _ in first })
}

private func ask(_ client: VarlinkClient, _ capacity: Int, _ device: String = "soft") -> String {
  client.refusal("Subscribe", ["device": .string(device), "capacity": .integer(Int64(capacity))])
}

@Test func ringsOfOneUserAreLimitedInAllAndFreedWithTheirConnection() throws {
  let daemon = try daemon(limit)
  let client = try daemon.client()
  do {
    let other = try daemon.client()
    #expect(ask(client, 1024) == "")
    // Rounded up to a power of two.
    #expect(ask(other, 1000, "other") == "")
    #expect(ask(client, 1025) == "TooLarge")
    #expect(ask(client, 600) == "")
    #expect(ask(client, 16) == "TooLarge")
    #expect(ask(other, 16, "other") == "TooLarge")
  }
  try eventually("the other's ring to be freed") { ask(client, 1024) == "" }
  #expect(ask(client, 16) == "TooLarge")
}

@Test func refusedRingSaysWhatItWouldTakeAndWhatToDo() throws {
  let daemon = try daemon(limit)
  let client = try daemon.client()
  do {
    _ = try client.ask("Subscribe", ["device": "soft", "capacity": 65536])
    Issue.record("a ring beyond the limit was made")
  } catch {
    let reply = (error as? VarlinkError)?.reply
    #expect(reply?.name == "io.interruptsync.TooLarge")
    #expect(reply?.parameters["limit"]?.int64 == Int64(limit))
    let message = reply?.parameters["message"]?.string ?? ""
    #expect(message.contains("\(SharedRing.size(capacity: 65536)) bytes"))
    #expect(!message.contains("hint"))
    #expect(reply?.parameters["hint"]?.string?.contains("RingMemoryPerUserMax=") == true)
  }
}

@Test func ringsThatAreThereStayWhenTheLimitIsLowered() throws {
  let daemon = try daemon(limit)
  let client = try daemon.client()
  #expect(ask(client, 1024) == "" && ask(client, 1024) == "")
  try daemon.folder.write(
    "etc/interruptsync/interruptsyncd.conf", "[Daemon]\nRingMemoryPerUserMax=1K\n")
  _ = try client.ask("Reload")
  #expect(ask(client, 16) == "TooLarge")
  #expect(try client.state("soft") == "connected")
}
