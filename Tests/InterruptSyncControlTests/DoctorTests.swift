// Each finding of the doctor, from the state that causes it. No daemon and no device.
import LinuxSystem
import Testing
import TestSupport
import UIO
import Varlink

@testable import DeviceInventory
@testable import InterruptSyncClient
@testable import interruptsyncctl

private func device(_ members: JSONObject) throws -> Device {
  var object: JSONObject = [
    "id": "pci-0000:00:03.0", "name": "edu", "state": "connected", "file": "50-edu.device",
    "routines": ["edu"], "regions": [],
  ]
  for member in members.members { object[member.key] = member.value }
  return try Device(ReplyReader(object, device: "d", operation: "o"))
}

private func statistics(_ members: JSONObject) throws -> DeviceStatistics {
  var object: JSONObject = ["id": "pci-0000:00:03.0", "routines": []]
  for name in [
    "interrupts", "dispatches", "coalesced", "claimed", "unclaimed", "passes", "rearmFailures",
    "storms", "synchronizedCalls", "longestHoldNanoseconds", "longestWaitNanoseconds",
  ] { object[name] = 0 }
  for member in members.members { object[member.key] = member.value }
  return try DeviceStatistics(ReplyReader(object, device: "d", operation: "o"))
}

private func texts(_ members: JSONObject, _ counts: JSONObject = [:]) throws -> [String] {
  DeviceExamination(
    device: try device(members), statistics: try statistics(counts), line: nil, dispatcher: nil
  ).findings.map(\.text)
}

@Test func deviceThatWorksHasNoFinding() throws {
  #expect(try texts([:], ["interrupts": 9, "dispatches": 9, "claimed": 9]).isEmpty)
  #expect(try texts(["state": "attached"]).isEmpty)
}

@Test(
  arguments: [
    (["state": "failed", "failure": "it is busy", "failureHint": "wait"], [:], "it is busy"),
    (["state": "storming"], [:], "storm brake"),
    (["state": "listed", "file": .null], [:], "no .device file matches"),
    (["state": "listed"], [:], "disconnected"), (["state": "gone"], [:], "was removed"),
    (["routines": []], [:], "without a routine"),
    ([:], ["unclaimed": 5, "dispatches": 5], "no routine claimed any"),
    ([:], ["unclaimed": 5, "dispatches": 6, "claimed": 1], "5 of 6"),
    ([:], ["rearmFailures": 1], "unmasking the line failed 1 time"),
    ([:], ["rearmFailures": 2], "unmasking the line failed 2 times"),
    ([:], ["storms": 3], "3 times"),
  ] as [(JSONObject, JSONObject, String)])
func silenceIsExplained(members: JSONObject, counts: JSONObject, words: String) throws {
  let found = try texts(members, counts)
  #expect(found.count == 1)
  #expect(found.first?.contains(words) == true, "\(found)")
}

@Test func everyFindingSaysWhatToDo() throws {
  for state in ["failed", "storming", "listed", "gone"] {
    let findings = DeviceExamination(
      device: try device(["state": .string(state)]), statistics: nil, line: nil, dispatcher: nil
    ).findings
    #expect(!findings.isEmpty)
    #expect(findings.allSatisfy { !$0.hint.isEmpty && $0.subject == "pci-0000:00:03.0" })
  }
}

/// A line of a PCI function, as sysfs and /proc show it.
private func line(
  config: [UInt8], threads: [(String, Int)], users: String, processors: String = "0-1"
) throws -> LineInspection {
  let folder = try TemporaryFolder()
  let parent = "sys/devices/pci0/0000:00:03.0"
  for (name, text) in [
    ("vendor", "0x1234"), ("device", "0x11e8"), ("irq", "11"), ("resource", ""),
    ("uio/uio0/name", "edu"), ("uio/uio0/version", "1"), ("uio/uio0/event", "0"),
  ] { try folder.write("\(parent)/\(name)", text + "\n") }
  try folder.write("\(parent)/config", config)
  try folder.folder("sys/bus/pci")
  try folder.link("\(parent)/subsystem", to: folder.path("sys/bus/pci"))
  try folder.link("\(parent)/uio/uio0/device", to: folder.path(parent))
  try folder.link("sys/class/uio/uio0", to: folder.path("\(parent)/uio/uio0"))
  try folder.write("dev/uio0", "")
  try folder.write("proc/interrupts", " CPU0\n 11: 5 IO-APIC 11-fasteoi \(users)\n")
  try folder.write("proc/irq/11/smp_affinity_list", "\(processors)\n")
  for (number, thread) in threads.enumerated() {
    let rest = (4...52).map { $0 == 40 ? "\(thread.1)" : "0" }.joined(separator: " ")
    try folder.write("proc/\(number + 50)/stat", "50 (\(thread.0)) S \(rest)\n")
  }
  let sysfs = Sysfs(root: folder.path("sys"), devices: folder.path("dev"))
  return LineInspection(
    try UIODeviceInfo(number: 0, sysfs: sysfs), sysfs: sysfs, proc: folder.path("proc"))
}

private func findings(_ line: LineInspection, priority: Int) throws -> [Finding] {
  let stat = (4...52).map { $0 == 40 ? "\(priority)" : "0" }.joined(separator: " ")
  return DeviceExamination(
    device: try device([:]), statistics: try statistics([:]), line: line,
    dispatcher: ThreadSchedule(stat: "1 (x) S \(stat)")
  ).findings
}

private let open = [UInt8](repeating: 0, count: 64)

@Test func maskedLineIsTold() throws {
  var config = open
  config[5] = 0x04
  config[6] = 0x08
  let found = try findings(line(config: config, threads: [], users: "edu"), priority: 0)
  #expect(found.map(\.severity) == [.problem])
  #expect(found.first?.text.contains("INTx Disable") == true)
  #expect(found.first?.text.contains("asserts its interrupt") == true)
}

@Test func sharedLineIsTold() throws {
  let found = try findings(line(config: open, threads: [], users: "edu, ahci"), priority: 0)
  #expect(found.map(\.severity) == [.warning])
  #expect(found.first?.text == "IRQ 11 is shared with ahci")
}

// Fact 53.
@Test(arguments: [(50, 1), (60, 1), (49, 0), (0, 0)])
func dispatcherAboveTheKernelsThreadIsTold(priority: Int, count: Int) throws {
  let line = try line(config: open, threads: [("irq/11-edu", 50)], users: "edu")
  let found = try findings(line, priority: priority)
  #expect(found.count == count)
  if count > 0 { #expect(found.first?.text.contains("irq/11-edu") == true) }
}

/// Findings about a device whose file asks for processor 1, twice.
private func affinities(
  thread: Set<Int>, interrupt: String, _ machine: MachineInspection
) throws -> [Finding] {
  var dispatcher = ThreadSchedule(stat: "1 (edu) S " + String(repeating: "0 ", count: 49))
  dispatcher?.processors = thread
  return DeviceExamination(
    device: try device(["thread": "edu", "processors": [1], "interruptProcessors": [1]]),
    statistics: try statistics([:]),
    line: try line(config: open, threads: [], users: "edu", processors: interrupt),
    dispatcher: dispatcher, machine: machine
  ).findings
}

@Test func affinityThatDiffersFromTheFileIsTold() throws {
  let both = MachineInspection(online: [0, 1], balancer: nil)
  #expect(try affinities(thread: [1], interrupt: "1", both) == [])
  let found = try affinities(thread: [0, 1], interrupt: "0", both)
  #expect(found.map(\.severity) == [.warning, .warning])
  #expect(found[0].text.contains("thread edu runs on processors 0,1"))
  #expect(found[0].text.contains("CPUAffinity= asks for 1"))
  #expect(found[1].text.contains("interrupt 11 is served on processors 0"))
  #expect(found[1].hint.contains("echo 1 > /proc/irq/11/smp_affinity_list"))
}

@Test func affinityThatIsLostNamesTheProcessorThatIsOfflineOrTheProgramThatMovesIt() throws {
  let offline = MachineInspection(online: [0], balancer: 77)
  let found = try affinities(thread: [0], interrupt: "0", offline)
  #expect(found.count == 2)
  #expect(found.allSatisfy { $0.hint.contains("cpu1/online") })
  let balanced = try affinities(
    thread: [1], interrupt: "0", MachineInspection(online: [0, 1], balancer: 77))
  #expect(balanced.count == 1)
  #expect(balanced.first?.hint.contains("irqbalance (process 77)") == true)
  #expect(balanced.first?.hint.contains("--banirq=11") == true)
}

@Test func machineIsLookedAt() throws {
  let folder = try TemporaryFolder()
  try folder.write("sys/devices/system/cpu/online", "0-2,4\n")
  try folder.write("proc/8/comm", "irqbalanced\n")
  try folder.write("proc/9/comm", "irqbalance\n")
  let machine = MachineInspection.current(
    sysfs: Sysfs(root: folder.path("sys")), procfs: Procfs(root: folder.path("proc")))
  #expect(machine == MachineInspection(online: [0, 1, 2, 4], balancer: 9))
}

@Test func aRecipeThatSilencesNothingIsTold() throws {
  let found = DeviceExamination(
    device: try device(["unsilenced": ["edu"]]), statistics: try statistics([:]), line: nil,
    dispatcher: nil
  ).findings
  #expect(found.map(\.severity) == [.warning])
  #expect(found.first?.text.contains("routine edu claims on a level-triggered line") == true)
  #expect(found.first?.hint.contains("Acknowledge=") == true)
}

@Test func aClaimedStormIsTold() throws {
  let found = DeviceExamination(
    device: try device([:]), statistics: try statistics(["storms": 2, "claimedStorms": 1]),
    line: nil, dispatcher: nil
  ).findings
  #expect(found.first?.hint.contains("StormShare=0") == true)
}
