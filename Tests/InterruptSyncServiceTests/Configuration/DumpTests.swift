// The output of --dump-config is the same configuration.
import Testing
import TestSupport

@testable import InterruptSyncService

/// Lays the files of a dump out again.
func restore(_ dump: String) throws -> TemporaryFolder {
  let folder = try TemporaryFolder()
  for part in ("\n" + dump).split(separator: "\n### ") {
    let name = part.prefix { $0 != "\n" }
    try folder.write("usr/lib/interruptsync/\(name)", String(part.dropFirst(name.count)))
  }
  return folder
}

@Test func dumpShowsWhatCountsAndWhereItWasWritten() throws {
  let folder = try TemporaryFolder()
  try folder.write(
    "usr/lib/interruptsync/devices/a.device",
    "[Match]\nId=pci-* \\\n  platform-*\n\n[Device]\nMode=all\nRepeatLimit=3\n[Routine]\nClaim=bar0:0\n"
  )
  try folder.write(
    "etc/interruptsync/devices/a.device.d/x.conf", "[Device]\nMode=repeat\nRepeatLimit=\n")
  let text = try folder.configuration().dump.replacing("\(folder.path)/", with: "")
  #expect(
    text == """
      ### devices/a.device

      # usr/lib/interruptsync/devices/a.device:1
      [Match]
      # usr/lib/interruptsync/devices/a.device:2
      Id=pci-*  platform-*

      # usr/lib/interruptsync/devices/a.device:5
      [Device]
      # etc/interruptsync/devices/a.device.d/x.conf:2
      Mode=repeat

      # usr/lib/interruptsync/devices/a.device:8
      [Routine]
      # usr/lib/interruptsync/devices/a.device:9
      Claim=bar0:0

      """)
}

/// Good values of every key, for configurations made at random.
private let lines: [(section: String, lines: [String])] = [
  (
    "Match",
    [
      "Id=*", "Id=!pci-*.1 x", "Id=", "PCIDevice=1234:11E8 8086:*", "Name=a \"b c\"", "Name=!é",
      "Driver=uio_* \\\n# c\n  x\\x41", "Driver=\\\\",
    ]
  ),
  (
    "Device",
    [
      "Mode=all", "Mode=", "Rearm=none", "Policy=rr", "Priority=7", "CPUAffinity=0 1-3",
      "CPUAffinity=",
      "CPUAffinity=9", "StackSize=1M", "MemoryLock=1", "CPULatencySec=5us",
      "InterruptCPUAffinity=0", "WaitStrategy=adaptive", "SpinBudgetSec=5us", "StormLimit=4",
      "StormShare=40",
      "StormAction=stay-masked", "StormDelaySec=2s", "StormDelayMaxSec=5s", "RepeatLimit=9",
      "AcceptAnySuccess=1", "ConnectWithoutRoutines=t", "LockGroup=g",
      "DispatcherGroup=t", "ObserveGroup=a b",
      "ObserveGroup=", "ControlGroup=c",
    ]
  ),
  (
    "Routine",
    [
      "Name=a", "Name=b", "Claim=bar0:0x24/32&1", "Acknowledge=bar0:4=1 bar0:8=2", "Acknowledge=",
      "Acknowledge=map0:0/64=0xffffffffffffffff", "Capture=x=bar0:0", "Capture=",
    ]
  ),
  ("Routine", ["Name=c", "Driver=/a.so", "Argument=x 'y z'", "Argument=\\t", "Argument="]),
]

@Test func dumpReadsAsTheSameConfiguration() throws {
  var generator = SeededGenerator()
  var accepted = 0
  for _ in 0..<300 {
    let folder = try TemporaryFolder()
    for name in ["devices/a.device", "devices/a.device.d/1.conf", "devices/b.device"] {
      var text = name.hasSuffix(".conf") ? "" : "[Match]\nId=*\n"
      for _ in 0..<Int.random(in: 0...5, using: &generator) {
        guard let part = lines.randomElement(using: &generator) else { continue }
        text += "[\(part.section)]\n"
        for _ in 0..<Int.random(in: 0...4, using: &generator) {
          text += (part.lines.randomElement(using: &generator) ?? "") + "\n"
        }
      }
      try folder.write("\(deviceFolder)/\(name.dropFirst(8))", text + "\n")
    }
    try folder.write(
      "run/interruptsync/interruptsyncd.conf", "[Daemon]\nLogLevel=err\nAdminGroup=a\n")
    // Some are refused, as when one name is given twice.
    guard let configuration = try? folder.configuration() else { continue }
    accepted += 1
    let restored = try restore(configuration.dump)
    #expect(restored.faults() == [])
    let again = try restored.configuration()
    #expect(again == configuration)
    #expect(keys(again.dump) == keys(configuration.dump))
  }
  #expect(accepted > 50)
}

private func keys(_ dump: String) -> [Substring] {
  dump.split(separator: "\n").filter { !$0.hasPrefix("# ") }
}

@Test func whatIsKeptOfNoFilesIsReadAgain() throws {
  let folder = try TemporaryFolder()
  // A file without a line masks the one of a folder below.
  try folder.write("etc/interruptsync/devices/a.device", "")
  let dump = try folder.configuration().dump
  let again = try ConfigurationSet(dump: dump)
  #expect(again.devices.isEmpty && again.dump == dump)
}
