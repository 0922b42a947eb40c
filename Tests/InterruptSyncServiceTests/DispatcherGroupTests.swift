// DispatcherGroup=: who shares a thread.
import FoundationEssentials
import InterruptSync
import Testing
import TestSupport
import Varlink

@testable import InterruptSyncService

@Test func groupIsSharedByNameAndThreadAndEndsWithItsLastUser() throws {
  let groups = DispatcherGroups()
  func group(_ name: String, _ attributes: DispatcherAttributes) throws -> DispatcherGroup {
    try groups.group(name, attributes) { _ in }
  }
  let plain = DispatcherAttributes(), small = DispatcherAttributes(stackSize: 128 * 1024)
  var first: DispatcherGroup? = try group("a", plain)
  #expect(try group("a", plain) === first)
  #expect(try group("b", plain) !== first)
  #expect(try group("a", small) !== first)
  weak let before = first
  first = nil
  #expect(before == nil)
  _ = try group("a", plain)
}

/// The threads of a process with a name.
private func threads(_ name: String, of process: Int32) throws -> Int {
  let tasks = try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task")
  return tasks.count { task in
    let file = URL(filePath: "/proc/\(process)/task/\(task)/comm")
    return (try? String(decoding: Data(contentsOf: file), as: UTF8.self)) == "\(name)\n"
  }
}

@Test func linesOfADispatcherGroupAreServedByOneThread() throws {
  func file(_ line: String, _ settings: String) -> String {
    "[Match]\nSoftwareLine=\(line)\n[Device]\n\(settings)\n"
  }
  let daemon = try RunningDaemon([
    "devices/1.device": file("one two three", "DispatcherGroup=slow"),
    "devices/2.device": file("four", "DispatcherGroup=slow\nStackSize=128K"),
    "devices/3.device": file("five", ""),
  ])
  let client = try daemon.client()
  let names = ["one", "two", "three", "four", "five"]
  for (index, name) in names.enumerated() {
    _ = try client.ask("Trigger", ["device": .string(name), "count": JSON(UInt64(index + 1))])
  }
  for (index, name) in names.enumerated() {
    try eventually(name) { try client.interrupts(name) == UInt64(index + 1) }
  }
  #expect(try threads("slow", of: daemon.process) == 2)
  #expect(try threads("five", of: daemon.process) == 1)
  #expect(try threads("one", of: daemon.process) == 0)
  // A reload that takes the last one out ends the thread.
  try daemon.folder.write("etc/interruptsync/devices/2.device", file("four", ""))
  _ = try client.ask("Reload")
  try eventually("one thread") { try threads("slow", of: daemon.process) == 1 }
  _ = try client.ask("Trigger", ["device": "four", "count": 1])
  try eventually("four again") { try client.interrupts("four") == 5 }
  #expect(daemon.stop() == 0)
}
