import DeviceIdentity
import Glibc
import InterruptSyncService
import TestSupport
import Testing

@testable import DeviceInventory

private let edu = "0000:00:03.0"
private let resource =
  "0x00000000febf0000 0x00000000feceffff 0x0000000000040200\n0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"

private func machine(
  pin: UInt8 = 1, _ capabilities: [(id: UInt8, control: UInt16)] = [], driver: String? = nil
) throws -> FakeMachine {
  let machine = try FakeMachine()
  try machine.addNames()
  try machine.addCard(
    edu, "0x1234", "0x11e8", driver: driver,
    configuration: FakeMachine.space(pin: pin, capabilities), resource: resource)
  return machine
}

private func template(_ machine: FakeMachine, _ id: String = "1234:11e8") throws
  -> DeviceFileTemplate
{
  let made = try DeviceFileTemplate(for: id, system: machine.system)
  try check(made.text)
  // As it is once the reader has taken the # away.
  try check(
    made.text.replacing("#[", with: "[").replacing("#Claim", with: "Claim")
      .replacing("#Acknowledge", with: "Acknowledge"))
  return made
}

/// Has the daemon's own reader judge a file.
private func check(_ text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write("10-made.device", text)
  _ = try ConfigurationSet(files: [folder.path("10-made.device")])
}

/// The lines that the daemon reads.
private func live(_ template: DeviceFileTemplate) -> [Substring] {
  template.text.split(separator: "\n").filter { !$0.hasPrefix("#") }
}

@Test func templateOfALineMatchesTheKindAndLeavesTheRegistersToTheReader() throws {
  let made = try template(machine(driver: "uio_pci_generic"))
  #expect(made.name == "50-1234-11e8.device")
  #expect(live(made) == ["[Match]", "PCIDevice=1234:11e8", "[Device]"])
  for words in [
    "# pci-\(edu): Technical Corp. QEMU edu", "Id=pci-\(edu)",
    "The kernel driver is uio_pci_generic",
    "# INTx, pin A:", "#   bar0  1 MiB of memory", "#   bar1  32 bytes of I/O ports",
    "#[Routine]\n#Claim=bar0:0x0/32\n#Acknowledge=bar0:0x0/32=claimed\n",
  ] { #expect(made.text.contains(words), "\(words) in \(made.text)") }
}

@Test func templateOfMessagesCountsThemAtOnce() throws {
  // Eight messages of MSI, 33 of MSI-X.
  let made = try template(
    machine(pin: 0, [(0x05, 3 << 1), (0x01, 0), (0x11, 32)], driver: "vfio-pci"))
  #expect(live(made) == ["[Match]", "PCIDevice=1234:11e8", "[Device]", "[Routine]"])
  for words in ["# MSI: 8 messages", "# MSI-X: 33 messages", "Vectors= chooses among 33 messages"] {
    #expect(made.text.contains(words), "\(words) in \(made.text)")
  }
  #expect(!made.text.contains("INTx"))
}

@Test func templateBeforeTheBindingSaysHowToBind() throws {
  let made = try template(machine())
  #expect(made.text.contains("interruptsyncctl bind pci-\(edu)"))
  // A card without a pin goes to vfio-pci.
  #expect(live(try template(machine(pin: 0, [(0x05, 0)]))).last == "[Routine]")
}

@Test func templateOfAUIODeviceOffPCIHasItsMaps() throws {
  let tree = try FakeTree(
    FakeDevice(
      bus: "platform", parent: "4a300000.pruss", driver: "uio_pruss", name: "pruss_evt0",
      maps: [.init(name: "pruss", size: "0x80000")], attributes: [:]),
    FakeDevice(
      number: 1, bus: "platform", parent: "4a300000.pruss", driver: "uio_pruss", name: "pruss_evt1",
      dev: "245:1", attributes: [:]))
  try tree.folder("sys/bus/platform/devices")
  try tree.link(
    "sys/bus/platform/devices/4a300000.pruss", to: "../../../devices/platform0/4a300000.pruss")
  var system = BindingSystem.system
  system.sysfs = tree.sysfs
  let made = try DeviceFileTemplate(for: "uio0", system: system)
  try check(made.text)
  #expect(made.name == "50-platform-4a300000.pruss+pruss_evt0.device")
  #expect(live(made).prefix(2) == ["[Match]", "Id=platform-4a300000.pruss+pruss_evt0"])
  #expect(made.text.contains("#   map0  512 KiB, pruss"))
  do throws(UIOError) {
    _ = try DeviceFileTemplate(for: "platform-4a300000.pruss", system: system)
    Issue.record("one of two was taken")
  } catch {
    #expect(error.code == .ambiguous)
    #expect(error.cause.contains("pruss_evt0") && error.cause.contains("pruss_evt1"))
  }
}

// MARK: Interrupts

@Test func interruptsAreReadFromTheConfigurationSpace() {
  let space = FakeMachine.space(pin: 3, [(0x09, 0), (0x05, 5 << 1), (0x11, 0x7ff | 0x8000)])
  let all = PCIInterrupts(space)
  #expect(all.pin == "C")
  #expect((all.msi, all.msix) == (32, 2048))
  #expect(all.isWhole)
  // Users other than root see the header alone.
  let header = PCIInterrupts(Array(space.prefix(64)))
  #expect(header.pin == "C")
  #expect((header.msi, header.msix) == (0, 0))
  #expect(!header.isWhole)
  #expect(PCIInterrupts([]) == PCIInterrupts(folder: "/nonexistent"))
  #expect(PCIInterrupts(FakeMachine.space(pin: 0)).isWhole)
}

@Test func listOfCapabilitiesThatIsACircleEnds() {
  var space = FakeMachine.space(pin: 1, [(0x05, 0), (0x11, 1)])
  space[0x51] = 0x40
  let found = PCIInterrupts(space)
  #expect((found.msi, found.msix) == (1, 2))
  // What a function that has gone answers.
  #expect(PCIInterrupts([UInt8](repeating: 0xff, count: 256)).pin == nil)
}
