// UAPI.6: which files count, and in which order.
import Glibc
import Testing
import TestSupport

@testable import InterruptSyncService

private let folders = ["etc", "run", "usr/local/lib", "usr/lib"]

private func text(mode: String) -> String { "[Match]\nId=*\n[Device]\nMode=\(mode)\n" }

@Test func mergeOfNothingIsTheDefaults() throws {
  let configuration = try TemporaryFolder().configuration()
  #expect(configuration.devices.isEmpty)
  #expect(configuration.daemon == DaemonSettings())
  #expect(configuration.dump == "")
  #expect(configuration.file(for: DeviceProperties(stableID: "pci-0000:00:03.0", name: "x")) == nil)
}

@Test func mergeTakesAFileFromTheFolderOfHighestPriority() throws {
  for count in 1...folders.count {
    let folder = try TemporaryFolder()
    for (index, place) in folders.suffix(count).enumerated() {
      try folder.write(
        "\(place)/interruptsync/devices/a.device", text(mode: index == 0 ? "all" : "repeat"))
    }
    #expect(try folder.configuration().devices.map(\.device.mode) == [.all])
  }
}

@Test(arguments: [
  "etc/interruptsync", "run/interruptsync/devices", "etc/interruptsync/devices/a.device.d",
  "usr/lib/interruptsync/interruptsyncd.conf.d",
])
func aFileWhereAFolderIsExpectedIsAnError(place: String) throws {
  let folder = try TemporaryFolder()
  try folder.write("usr/local/lib/interruptsync/devices/a.device", text(mode: "all"))
  try folder.write(place, "")
  let faults = folder.faults()
  #expect(!faults.isEmpty)
  #expect(faults.allSatisfy { $0.contains("cannot list the folder: ENOTDIR") }, "\(faults)")
}

@Test func mergeReplacesAFileAsAWhole() throws {
  let folder = try TemporaryFolder()
  try folder.write("usr/lib/interruptsync/devices/a.device", text(mode: "all") + "RepeatLimit=7\n")
  try folder.write("run/interruptsync/devices/a.device", "[Match]\nName=x\n")
  let device = try #require(try folder.configuration().devices.first)
  #expect(device.device == DeviceSettings())
  #expect(device.match.ids.isEmpty)
}

@Test(arguments: [true, false])
func mergeLeavesOutWhatIsMasked(byLink: Bool) throws {
  let folder = try TemporaryFolder()
  for name in ["a", "b"] {
    try folder.write("usr/lib/interruptsync/devices/\(name).device", text(mode: "all"))
    try folder.write(
      "usr/lib/interruptsync/devices/\(name).device.d/x.conf", "[Device]\nRepeatLimit=7\n")
  }
  for masked in ["a.device", "b.device.d/x.conf"] {
    if byLink {
      try folder.link("etc/interruptsync/devices/\(masked)", to: "/dev/null")
    } else {
      try folder.write("etc/interruptsync/devices/\(masked)", "")
    }
  }
  let devices = try folder.configuration().devices
  #expect(devices.map(\.name) == ["b.device"])
  #expect(devices.first?.device.repeatLimit == 1000)
}

@Test func mergeOrdersDropInsByNameWhateverTheirFolder() throws {
  let folder = try TemporaryFolder()
  try folder.write("etc/interruptsync/devices/a.device", text(mode: "normal"))
  let limits = [("usr/lib", "30-c", 30), ("etc", "10-a", 10), ("run", "20-b", 20)]
  for (place, name, limit) in limits {
    try folder.write(
      "\(place)/interruptsync/devices/a.device.d/\(name).conf",
      "[Device]\nRepeatLimit=\(limit)\nCPUAffinity=\(limit)\nStormLimit=\(limit)\n")
  }
  // Of files with one name, the one in the higher folder applies; the name decides the order.
  try folder.write(
    "run/interruptsync/devices/a.device.d/30-c.conf", "[Device]\nRepeatLimit=31\nCPUAffinity=31\n")
  let device = try #require(try folder.configuration().devices.first).device
  #expect(device.repeatLimit == 31)
  #expect(device.dispatcher.processors == [10, 20, 31])
  #expect(device.storm.limit == 20)
}

@Test func mergeIgnoresOtherSuffixesHiddenFilesAndDropInsOfNothing() throws {
  let folder = try TemporaryFolder()
  for name in [
    "devices/a.device~", "devices/.b.device", "devices/c.conf", "devices/d.device.d/x.conf",
    "interruptsyncd.conf.d/README", "interruptsyncd.conf.d/.x.conf", "other.conf",
    "my-interruptsyncd.conf",
  ] {
    try folder.write("etc/interruptsync/\(name)", "not configuration")
  }
  #expect(folder.faults() == [])
  #expect(try folder.configuration().documents.flatMap(\.sections).isEmpty)
}

@Test func mergeTakesTheDaemonsDropInsWithAndWithoutItsFile() throws {
  let folder = try TemporaryFolder()
  try folder.write(
    "run/interruptsync/interruptsyncd.conf.d/x.conf", "[Daemon]\nConnectionsMax=7\n")
  #expect(try folder.configuration().daemon.limits.connections == 7)
  try folder.write(
    "usr/lib/interruptsync/interruptsyncd.conf", "[Daemon]\nConnectionsMax=8\nLogLevel=err\n")
  #expect(try folder.configuration().daemon.limits.connections == 7)
  #expect(try folder.configuration().daemon.logLevel == .error)
  try folder.link("etc/interruptsync/interruptsyncd.conf", to: "/dev/null")
  #expect(try folder.configuration().daemon.limits.connections == 7)
  #expect(try folder.configuration().daemon.logLevel == .info)
}

@Test func mergeResetsByAnEmptyValue() throws {
  let folder = try TemporaryFolder()
  try folder.write(
    "etc/interruptsync/devices/a.device",
    text(mode: "all") + "CPUAffinity=1\nLockGroup=g\nRepeatLimit=5\n")
  try folder.write(
    "etc/interruptsync/devices/a.device.d/x.conf",
    "[Device]\nMode=\nCPUAffinity=\nCPUAffinity=2 3\nLockGroup=\n")
  let device = try #require(try folder.configuration().devices.first).device
  #expect(device.mode == .normal)
  #expect(device.dispatcher.processors == [2, 3])
  #expect(device.lockGroup == nil)
  #expect(device.repeatLimit == 5)
}

@Test func mergeAddsRoutinesInOrderAndChangesThoseOfTheSameName() throws {
  let folder = try TemporaryFolder()
  try folder.write(
    "\(deviceFolder)/a.device",
    """
    [Match]
    Id=*
    [Routine]
    Name=one
    Claim=bar0:0
    Acknowledge=bar0:4=1
    [Routine]
    Claim=bar0:8
    """)
  try folder.write(
    "\(deviceFolder)/a.device.d/x.conf",
    "[Routine]\nName=one\nAcknowledge=bar0:4=2\n[Routine]\nName=three\n[Routine]\nClaim=bar0:12\n")
  let routines = try #require(try folder.configuration().devices.first).routines
  #expect(routines.map(\.name) == ["one", nil, "three", nil])
  guard case .recipe(let recipe) = routines[0].action else { return #expect(Bool(false)) }
  #expect(recipe.claim?.offset == 0)
  #expect(recipe.acknowledgements.map(\.value) == [.constant(1), .constant(2)])
}

@Test func mergeRefusesTwoRoutinesOfOneNameInADropIn() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/a.device", "[Match]\nId=*\n[Routine]\nName=a\n")
  try folder.write(
    "\(deviceFolder)/a.device.d/x.conf", "[Routine]\nName=a\n[Routine]\nName=a\n")
  let faults = folder.faults()
  #expect(faults.count == 1, "\(faults)")
  #expect(
    faults.first?.hasPrefix("\(deviceFolder)/a.device.d/x.conf:4:6: error: there is another")
      == true)
}

@Test func mergeTellsWhatIsNoFile() throws {
  let folder = try TemporaryFolder()
  try folder.folder("\(deviceFolder)/a.device")
  try folder.link("\(deviceFolder)/b.device", to: "nowhere")
  mkfifo(folder.path("\(deviceFolder)/c.device"), 0o600)
  try folder.link("\(deviceFolder)/d.device", to: "d.device")
  let faults = folder.faults()
  #expect(faults.count == 4)
  for (fault, words) in zip(
    faults,
    [
      "a.device: error: not a regular file", "b.device: error: the symbolic link leads nowhere",
      "c.device: error: not a regular file", "d.device: error: cannot read the file: ELOOP",
    ]
  ) {
    #expect(fault.hasPrefix("\(deviceFolder)/\(words)"), "\(fault)")
  }
}

@Test func mergeCollectsTheFaultsOfAllFilesInTheirOrder() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/b.device", "[Match]\nId=*\nFoo=1\n[Device]\nMode=x\nword\n")
  try folder.write("\(deviceFolder)/a.device", "[Device]\nMode=all\n")
  try folder.write("\(deviceFolder)/a.device.d/x.conf", "[Routine]\nClaim=x\n")
  try folder.write("run/interruptsync/interruptsyncd.conf", "[Daemon]\nLogLevel=loud\n")
  let places = folder.faults().map { String($0.prefix { $0 != " " }) }
  #expect(
    places == [
      "run/interruptsync/interruptsyncd.conf:2:10:", "\(deviceFolder)/a.device:",
      "\(deviceFolder)/a.device.d/x.conf:2:7:", "\(deviceFolder)/b.device:3:1:",
      "\(deviceFolder)/b.device:5:6:", "\(deviceFolder)/b.device:6:1:",
    ])
}

@Test func mergeTakesTheFirstFileByNameForADevice() throws {
  let folder = try TemporaryFolder()
  try folder.write("usr/lib/interruptsync/devices/50-all.device", "[Match]\nId=*\n")
  try folder.write("etc/interruptsync/devices/90-edu.device", "[Match]\nPCIDevice=1234:11e8\n")
  try folder.write("run/interruptsync/devices/10-hpet.device", "[Match]\nName=hpet\n")
  let configuration = try folder.configuration()
  #expect(
    configuration.devices.map(\.name) == ["10-hpet.device", "50-all.device", "90-edu.device"])
  let hpet = DeviceProperties(stableID: "platform-hpet", name: "hpet")
  let edu = DeviceProperties(stableID: "pci-0", name: "edu", pciDevice: "1234:11e8")
  #expect(configuration.file(for: hpet)?.name == "10-hpet.device")
  #expect(configuration.file(for: edu)?.name == "50-all.device")
}

/// Lines of a scalar and of a list; an empty value takes back what came before.
private func randomLines(_ random: inout SeededGenerator) -> [String] {
  let choices = [
    "RepeatLimit=", "RepeatLimit=5", "RepeatLimit=70", "ControlGroup=", "ControlGroup=a b",
    "ControlGroup=c",
  ]
  return (0..<Int.random(in: 0...4, using: &random)).map { _ in
    choices.randomElement(using: &random) ?? ""
  }
}

@Test func mergeIsThatOfAllLinesOneAfterTheOther() throws {
  var random = SeededGenerator()
  for _ in 0..<300 {
    let folder = try TemporaryFolder()
    // Of each name the lines of the folder of highest priority.
    var files: [String: [String]] = [:]
    for place in folders {
      for name in ["a.device", "a.device.d/1.conf", "a.device.d/2.conf", "a.device.d/30.conf"]
      where Bool.random(using: &random) || (name == "a.device" && place == folders.last) {
        let lines = randomLines(&random)
        let head = name == "a.device" ? "[Match]\nId=*\n" : ""
        try folder.write(
          "\(place)/interruptsync/devices/\(name)",
          head + "[Device]\n" + lines.map { $0 + "\n" }.joined())
        files[name] = files[name] ?? lines
      }
    }
    var limit: UInt64 = 1000
    var groups: [String] = []
    for line in files.keys.sorted().flatMap({ files[$0] ?? [] }) {
      let value = String(line.split(separator: "=").dropFirst().first ?? "")
      if line.hasPrefix("RepeatLimit") {
        limit = UInt64(value) ?? 1000
      } else {
        groups = value.isEmpty ? [] : groups + value.split(separator: " ").map(String.init)
      }
    }
    let device = try #require(try folder.configuration().devices.first?.device)
    #expect(device.repeatLimit == limit, "\(files)")
    #expect(device.controlGroups == groups, "\(files)")
  }
}
