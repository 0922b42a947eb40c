// The built program on a machine without UIO devices, as a user first meets it.
import FoundationEssentials
import Testing
import TestSupport
import UIO

private struct Line: Decodable {
  var device: String
  var state: String
  var interrupts: UInt64
  var dispatches: UInt64
  var claimed: UInt64
  var coalesced: UInt64
}

@Test func daemonServesASoftwareLineWhereThereIsNoDevice() throws {
  try #require(UIODeviceInfo.all().isEmpty, "this test is for machines without UIO devices")
  let folder = try TemporaryFolder()
  let (status, output) = daemon("--for 1.5 --json --config-root \(folder.path)")
  #expect(status == 0)
  let lines = try output.split(separator: "\n").map {
    try JSONDecoder().decode(Line.self, from: Data($0.utf8))
  }
  let last = try #require(lines.last)
  #expect(last.device == "software")
  #expect(last.state == "disconnected")
  #expect(lines.first?.state == "connected")
  #expect(last.interrupts > 0)
  #expect(last.interrupts == last.dispatches + last.coalesced)
  #expect(last.claimed == last.dispatches)
}

@Test func daemonThatFindsNoDeviceToListSaysSo() throws {
  try #require(UIODeviceInfo.all().isEmpty, "this test is for machines without UIO devices")
  let (status, output) = daemon("--list")
  #expect(status == 0)
  #expect(output.contains("no UIO device"), "\(output)")
  #expect(output.contains("hint: "), "\(output)")
  #expect(output.contains("interruptsyncctl list --all"), "\(output)")
  // An address in a command could be that of a card in use.
  #expect(!output.contains(":0"), "\(output)")
}

@Test(arguments: [
  ("--for 0", 64, "--for"), ("--rate 0", 64, "--rate"), ("--bogus", 64, "bogus"),
  ("no-such-device", 1, "no such device"),
  ("uio0 --mode sometimes", 1, "argument 2 (--mode): error: Mode=: \"sometimes\" is none of"),
  (
    "uio0 --rearm=maybe", 1,
    "argument 2 (--rearm): error: Rearm=: \"maybe\" is none of auto, irqcontrol"
  ), ("uio0 --realtime 100", 1, "1 to 99"),
  ("--cpus 3-1 uio0", 1, "argument 1 (--cpus): error: CPUAffinity=: \"3-1\""),
  ("uio0 --claim bar0", 1, "offset"), ("uio0 --claim ''", 1, "the value is empty"),
  ("uio0 --acknowledge bar0:0/32=claimed", 1, "no register is claimed"),
  ("pci-00:99.0", 1, "not a PCI address"),
])
func daemonSaysWhatIsWrongWithItsArguments(arguments: String, status: Int32, words: String) {
  let (ended, output) = daemon(arguments)
  #expect(ended == status, "\(output)")
  #expect(output.contains(words), "\(output)")
}

@Test(arguments: ["--list", "--for 1.5 --config-root /nonexistent"])
func daemonOutlivesTheReadersOfItsOutput(arguments: String) throws {
  try #require(UIODeviceInfo.all().isEmpty, "this test is for machines without UIO devices")
  // The only reader of both streams goes before the daemon starts.
  let folder = try TemporaryFolder()
  let fifo = folder.path("gone")
  let (status, _) = daemon(
    "\(arguments) >&3", after: "mkfifo \(fifo); exec 4<>\(fifo); exec 3>\(fifo) 4<&-")
  #expect(status == 0)
}
