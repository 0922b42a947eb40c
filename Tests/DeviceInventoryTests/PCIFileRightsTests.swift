// What the group uio may do with a PCI function's files: as much as the rules give, for as long as
// uio_pci_generic has the function.
import DeviceIdentity
import Glibc
import TestSupport
import Testing

@testable import DeviceInventory

private let card = "0000:00:03.0"
private let given = ["990 664", "990 660", "990 660"]
private let own = ["0 644", "0 600", "0 600"]

private func rights(_ machine: FakeMachine) -> [String?] {
  ["config", "resource0", "resource1"].map { machine.rights(card, $0) }
}

private func files(_ machine: FakeMachine) -> PCIFileRights {
  PCIFileRights(
    folder: machine.folder.path("sys/bus/pci/devices/\(card)"), sysfs: machine.system.sysfs,
    rights: machine.system.rights)
}

@Test func groupGetsTheFilesOfAFunctionThatUIOHas() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "uio_pci_generic")
  try files(machine).settle()
  #expect(rights(machine) == given)
}

@Test(arguments: [nil, "e1000", "vfio-pci"])
func whatTheGroupGotIsTakenBackWhateverDrivesTheFunctionThen(_ driver: String?) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: driver)
  machine.set(card, "config", group: FakeMachine.group, mode: 0o664)
  for bar in 0..<2 { machine.set(card, "resource\(bar)", group: FakeMachine.group, mode: 0o660) }
  try files(machine).settle()
  #expect(rights(machine) == own)
}

@Test func filesOfAnotherGroupAreLeftAsTheyAre() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "vfio-pci")
  machine.set(card, "resource0", group: 36, mode: 0o660)
  try files(machine).settle()
  #expect(rights(machine) == ["0 644", "36 660", "0 600"])
}

@Test func unbindTakesTheFilesBackBeforeTheNextDriverHasThem() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "uio_pci_generic")
  let device = try BusDevice(card, sysfs: machine.system.sysfs)
  _ = try DriverBinding(device, system: machine.system).bind(to: "uio_pci_generic")
  try files(machine).settle()
  #expect(rights(machine) == given)
  var system = machine.system
  let atProbe = Guarded<[String?]>([])
  let write = system.write
  system.write = { (path, text) throws(SystemError) in
    if path.hasSuffix("drivers_probe") { atProbe.withLock { $0 = rights(machine) } }
    try write(path, text)
  }
  #expect(try DriverBinding(device, system: system).unbind().after == "e1000")
  #expect(atProbe.withLock { $0 } == own)
  #expect(rights(machine) == own)
}

/// udev may run the event of a removal late, when the device has come again.
@Test func driverThatChangesMeanwhileIsLookedAtAgain() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  machine.set(card, "config", group: FakeMachine.group, mode: 0o664)
  let rightsNow = machine.system.rights
  let isFirst = Guarded(true)
  var changing = rightsNow
  changing.write = { path, group, mode in
    if isFirst.withLock({ first in
      defer { first = false }; return first
    }) {
      try? machine.add(driver: "uio_pci_generic")
      try? machine.folder.link(
        "sys/devices/pci0/\(card)/driver", to: "../../../bus/pci/drivers/uio_pci_generic")
    }
    return rightsNow.write(path, group, mode)
  }
  try PCIFileRights(
    folder: machine.folder.path("sys/bus/pci/devices/\(card)"), sysfs: machine.system.sysfs,
    rights: changing
  ).settle()
  #expect(rights(machine) == given)
}

@Test(arguments: [
  (EPERM, UIOError.Code.permissionDenied), (EACCES, .permissionDenied), (EROFS, .readOnly),
  (ENOMEM, .resourcesExhausted), (EIO, .driverFailed),
])
func rightsThatCannotBeChangedAreAnErrorThatNamesTheFile(number: Int32, code: UIOError.Code) throws
{
  let machine = try FakeMachine()
  try machine.add(card, driver: "uio_pci_generic")
  var refusing = machine.system.rights
  refusing.write = { _, _, _ in number }
  let files = PCIFileRights(
    folder: machine.folder.path("sys/bus/pci/devices/\(card)"), sysfs: machine.system.sysfs,
    rights: refusing)
  let error = #expect(throws: UIOError.self) { try files.settle() }
  #expect(error?.code == code && error?.errorNumber == number)
  #expect(error?.hint.isEmpty == false)
  #expect(error?.device.hasSuffix("\(card)/config") == true)
}

@Test func functionThatIsGoneAndDeviceThatIsNoFunctionChangeNothing() throws {
  let machine = try FakeMachine()
  try files(machine).settle()
  try machine.add("board.0", bus: "platform", driver: "uio_pdrv_genirq")
  try PCIFileRights(
    folder: machine.folder.path("sys/bus/platform/devices/board.0"),
    sysfs: machine.system.sysfs, rights: machine.system.rights
  ).settle()
}
