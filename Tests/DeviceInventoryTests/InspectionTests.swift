import Testing
import TestSupport
import DeviceIdentity

@testable import DeviceInventory

private let table = """
               CPU0       CPU1
      1:          9          0   IO-APIC   1-edge      i8042
     11:        100         23   IO-APIC  11-fasteoi   uhci_hcd:usb1, uio_pci_generic, my card
     24:          5          6  PCI-MSI-0000:00:1f.2   0-edge      ahci[0000:00:1f.2]
     40:          7          0     GICv3  27 Level     fed00000.timer
     41:          3          0   xen-pirq    -ioapic-level  pciback
    NMI:          0          0   Non-maskable interrupts
    ERR:          1

  """

@Test func interruptTableHasCountsAndUsers() {
  let read = InterruptTable(table)
  #expect(read.lines.map(\.irq) == [1, 11, 24, 40, 41])
  #expect(read.line(11)?.count == 123)
  #expect(read.line(11)?.users == ["uhci_hcd:usb1", "uio_pci_generic", "my card"])
  #expect(read.line(1)?.users == ["i8042"])
  #expect(read.line(24)?.users == ["ahci[0000:00:1f.2]"])
  #expect(read.line(40)?.users == ["fed00000.timer"])
  #expect(read.line(41)?.users == ["pciback"])
  #expect(read.line(12) == nil)
}

@Test(arguments: ["", "CPU0\n", "\n\n", "CPU0 CPU1\n 5:\n"])
func interruptTableOfAnythingIsRead(text: String) {
  #expect(InterruptTable(text).lines.allSatisfy { $0.count == 0 })
}

/// A stat file with a priority in field 40.
private func stat(_ name: String, _ priority: Int) -> String {
  let rest = (4...52).map { $0 == 40 ? "\(priority)" : "0" }.joined(separator: " ")
  return "77 (\(name)) S \(rest)\n"
}

@Test func threadsOfAnInterruptAreFoundByName() throws {
  let folder = try TemporaryFolder()
  try folder.write("77/stat", stat("irq/11-uio_pci_", 50))
  try folder.write("78/stat", stat("irq/111-other", 50))
  try folder.write("79/stat", stat("odd ) (name", 0))
  try folder.write("80/stat", "nonsense")
  let threads = ThreadSchedule.ofInterrupt(11, proc: folder.path)
  #expect(threads.map(\.name) == ["irq/11-uio_pci_"])
  #expect(threads.map(\.priority) == [50])
}

@Test func threadsOfAProcessHaveTheirPriority() throws {
  let folder = try TemporaryFolder()
  try folder.write("5/task/5/stat", stat("interruptsyncd", 0))
  try folder.write("5/task/6/stat", stat("odd ) (name", 40))
  try folder.write("5/task/6/status", "Cpus_allowed:\tf\nCpus_allowed_list:\t0,2-3\nx:\t1\n")
  let threads = ThreadSchedule.ofProcess(5, proc: folder.path)
  #expect(threads.map(\.name) == ["interruptsyncd", "odd ) (name"])
  #expect(threads.map(\.priority) == [0, 40])
  #expect(threads.map(\.processors) == [nil, [0, 2, 3]])
}

/// One card at IRQ 11, with COMMAND and STATUS as given.
private func inspection(command: UInt16, status: UInt16) throws -> LineInspection {
  let folder = try TemporaryFolder()
  let parent = "sys/devices/pci0/0000:00:03.0"
  for (name, text) in [
    ("vendor", "0x1234"), ("device", "0x11e8"), ("irq", "11"), ("resource", ""),
    ("uio/uio0/name", "uio_pci_generic"), ("uio/uio0/version", "1"), ("uio/uio0/event", "0"),
  ] { try folder.write("\(parent)/\(name)", text + "\n") }
  var configuration = [UInt8](repeating: 0, count: 64)
  configuration[4] = UInt8(truncatingIfNeeded: command)
  configuration[5] = UInt8(truncatingIfNeeded: command >> 8)
  configuration[6] = UInt8(truncatingIfNeeded: status)
  try folder.write("\(parent)/config", configuration)
  try folder.folder("sys/bus/pci")
  try folder.link("\(parent)/subsystem", to: folder.path("sys/bus/pci"))
  try folder.link("\(parent)/uio/uio0/device", to: folder.path(parent))
  try folder.link("sys/class/uio/uio0", to: folder.path("\(parent)/uio/uio0"))
  try folder.write("proc/interrupts", table)
  let sysfs = Sysfs(root: folder.path("sys"), devices: folder.path("dev"))
  let info = try UIODeviceInfo(number: 0, sysfs: sysfs)
  return LineInspection(info, sysfs: sysfs, proc: folder.path("proc"))
}

@Test(arguments: [
  (UInt16(0x0403), UInt16(0x08), true, true), (0x0003, 0x00, false, false),
  (0x0400, 0x10, true, false),
])
func lineShowsWhetherItIsMaskedAndPending(
  command: UInt16, status: UInt16, masked: Bool, pending: Bool
) throws {
  let line = try inspection(command: command, status: status)
  #expect(line.isMasked == masked)
  #expect(line.isPending == pending)
}

@Test func lineShowsWhoSharesIt() throws {
  let line = try inspection(command: 0, status: 0)
  #expect(line.irq == 11)
  #expect(line.lineCount == 123)
  #expect(line.sharers == ["uhci_hcd:usb1", "my card"])
  // There is no node in this tree.
  #expect(!line.mayOpen)
}
