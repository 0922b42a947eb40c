// The daemon itself, as a process, on real devices: serviced by a recipe, without code.
import CUIO
import FoundationEssentials
import Glibc
import InterruptSync
import UIO

enum DaemonTests {
  static let cases = [
    Case("daemonServicesTwoDevicesByRecipe", twoDevices),
    Case("daemonConnectsAgainToADeviceThatCameBack", comesBack),
    Case("daemonEndsCleanlyOnSIGTERM", terminate),
    Case("daemonNamesWhatIsWrong", refusals),
    Case("daemonDoesNotTakeDevicesThatNobodyNamed", unnamed),
    Case("daemonBrakesADeviceItDoesNotClaim", storm),
  ]

  private static let recipe = ["--claim", "bar0:0x24/32", "--acknowledge", "bar0:0x64/32=claimed"]

  private static func twoDevices() throws {
    let registers = [
      try Guest.open(Guest.eduA).region(bar: 0), try Guest.open(Guest.eduB).region(bar: 0),
    ]
    let daemon = try Daemon(recipe + ["--json", "pci-\(Guest.eduA)", "pci-\(Guest.eduB)"])
    try daemon.waitForState("connected", devices: 2)
    for round in 1...500 {
      for region in registers {
        try region.write32(UInt32(round), at: Edu.raise)
        try Guest.waitFor("acknowledgement \(round)") { try region.read32(at: Edu.status) == 0 }
      }
    }
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    for address in [Guest.eduA, Guest.eduB] {
      let last = records.last { $0.device.contains(address) }
      try expectEqual(last?.interrupts, 500, "interrupts of \(address)")
      try expectEqual(last?.claimed, 500, "claimed of \(address)")
      try expectEqual(last?.dispatches, 500, "dispatches of \(address)")
      try expectEqual(last?.unclaimed, 0, "unclaimed of \(address)")
      try expectEqual(last?.coalesced, 0, "coalesced of \(address)")
    }
  }

  private static func comesBack() throws {
    let daemon = try Daemon(["--json", "pci-\(Guest.eduA)"] + recipe)
    try daemon.waitForState("connected", devices: 1)
    for _ in 1...3 {
      Guest.unbind(Guest.eduA)
      try daemon.waitForState("ended", devices: 1)
      try Guest.bind(Guest.eduA)
      try daemon.waitForState("connected", devices: 1)
      let region = try Guest.open(Guest.eduA).region(bar: 0)
      try region.write32(1, at: Edu.raise)
      try Guest.waitFor("the acknowledgement") { try region.read32(at: Edu.status) == 0 }
    }
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expectEqual(records.last?.claimed, 3, "claimed over three lives")
  }

  private static func terminate() throws {
    let daemon = try Daemon(["pci-\(Guest.eduA)"] + recipe)
    try daemon.waitForText("connected")
    let start = Clock.now
    let (status, _) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expect(Clock.now - start < 2_000_000_000, "took too long to end")
    try expect(daemon.text.contains("disconnected"), "last words: \(daemon.text)")
  }

  private static func refusals() throws {
    let wrong: [([String], [String])] = [
      (["nothing-here"] + recipe, ["nothing-here", "no such device"]),
      (["pci-\(Guest.eduA)"], ["stays asserted", "--claim"]),
      (["pci-\(Guest.eduA)", "--claim", "bar7:0/32"], ["bar7", "neither barN nor mapN"]),
      (["pci-\(Guest.eduA)", "--claim", "bar0:0x200000/32"], ["bar0", "leaves"]),
      (["fixture-noirq", "--claim", "map0:0/32"], ["no interrupt"]),
      (["uio_pci_generic"] + recipe, ["devices have this name"]),
    ]
    for (arguments, words) in wrong {
      let daemon = try Daemon(arguments)
      let status = daemon.wait()
      try expectEqual(status, 1, "exit status of \(arguments)")
      for word in words {
        try expect(daemon.text.contains(word), "\"\(daemon.text)\" lacks \"\(word)\"")
      }
    }
    let usage = try Daemon(["--no-such-option"])
    try expectEqual(usage.wait(), 64, "exit status of a wrong option")
  }

  private static func unnamed() throws {
    let daemon = try Daemon([])
    try expectEqual(daemon.wait(), 1, "exit status")
    for word in ["pci-\(Guest.eduA)", "hpet", "none was named", "hint"] {
      try expect(daemon.text.contains(word), "\"\(daemon.text)\" lacks \"\(word)\"")
    }
  }

  private static func storm() throws {
    let region = try Guest.open(Guest.eduA).region(bar: 0)
    // Looks at the identification's zero bit: never claims.
    let daemon = try Daemon(["--json", "pci-\(Guest.eduA)", "--claim", "bar0:0/32&0x2"])
    try daemon.waitForState("connected", devices: 1)
    try region.write32(1, at: Edu.raise)
    try daemon.waitForState("storming", devices: 1)
    try region.write32(.max, at: Edu.acknowledge)
    try daemon.waitForText("interrupt storm ended")
    let (status, records) = try daemon.terminate()
    try expectEqual(status, 0, "exit status")
    try expectEqual(records.last?.storms, 1, "storms")
  }
}

/// The fields of the daemon's JSON that the tests look at.
struct Record: Decodable {
  var device: String
  var state: String
  var interrupts: UInt64
  var dispatches: UInt64
  var claimed: UInt64
  var unclaimed: UInt64
  var coalesced: UInt64
  var storms: UInt64
}

/// A running interruptsyncd whose output goes to a file.
final class Daemon {
  private let process: pid_t
  private let path: String
  private nonisolated(unsafe) static var number = 0

  init(_ arguments: [String]) throws {
    Daemon.number += 1
    path = "/tmp/daemon-\(Daemon.number).out"
    let output = try FileDescriptor.open("/dev/null", O_RDONLY)
    _ = output
    let file = creat(path, 0o600)
    guard file >= 0 else { throw Failure(description: "creat \(path)") }
    defer { close(file) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    posix_spawn_file_actions_adddup2(&actions, file, 1)
    posix_spawn_file_actions_adddup2(&actions, file, 2)
    defer { posix_spawn_file_actions_destroy(&actions) }
    var words = (["interruptsyncd"] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let result = posix_spawn(&child, "./interruptsyncd", &actions, nil, &words, environ)
    guard result == 0 else { throw Failure(description: "interruptsyncd: \(Errno.name(result))") }
    process = child
  }

  var text: String { (try? FileDescriptor.openText(path)) ?? "" }

  private var records: [Record] {
    text.split(separator: "\n").compactMap {
      try? JSONDecoder().decode(Record.self, from: Data($0.utf8))
    }
  }

  /// Waits until the newest record of each of `devices` devices has `state`.
  func waitForState(_ state: String, devices: Int) throws {
    try Guest.waitFor("the daemon to be \(state); it says: \(text.suffix(2000))") {
      var newest: [String: String] = [:]
      for record in records { newest[record.device] = record.state }
      return newest.count == devices && newest.values.allSatisfy { $0 == state }
    }
  }

  func waitForText(_ wanted: String) throws {
    try Guest.waitFor("\"\(wanted)\" in \(text.suffix(2000))") { text.contains(wanted) }
  }

  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(process, &status, 0) < 0, errno == EINTR {}
    return status & 0x7f == 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f)
  }

  func terminate() throws -> (Int32, [Record]) {
    kill(process, SIGTERM)
    let status = wait()
    return (status, records)
  }
}
