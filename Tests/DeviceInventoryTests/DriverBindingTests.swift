import Glibc
import Testing
import TestSupport
import DeviceIdentity

@testable import DeviceInventory

private let card = "0000:00:03.0"

private func binding(_ machine: FakeMachine) throws -> DriverBinding {
  DriverBinding(try BusDevice(card, sysfs: machine.system.sysfs), system: machine.system)
}

private func refusal(_ body: () throws(UIOError) -> Void) -> UIOError? {
  do throws(UIOError) { try body() } catch { return error }
  return nil
}

@Test func bindingTakesTheDeviceFromItsDriverAndVerifies() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "uio_pci_generic")
  let outcome = try binding(machine).bind(to: "uio_pci_generic")
  #expect(outcome == .init(before: "e1000", after: "uio_pci_generic"))
  #expect(machine.driver(card) == "uio_pci_generic")
  #expect(try machine.override(card) == "uio_pci_generic")
  #expect(
    machine.writes == [
      "driver_override=uio_pci_generic", "unbind=\(card)", "drivers_probe=\(card)",
    ])
}

@Test func bindingAgainChangesNothing() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  try machine.add(driver: "uio_pci_generic")
  _ = try binding(machine).bind(to: "uio_pci_generic")
  let writes = machine.writes.count
  let outcome = try binding(machine).bind(to: "uio_pci_generic")
  #expect(outcome == .init(before: "uio_pci_generic", after: "uio_pci_generic"))
  #expect(machine.writes.count == writes)
}

@Test func moduleOfTheDriverIsLoaded() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  machine.add(module: "uio_pci_generic")
  #expect(try binding(machine).bind(to: "uio_pci_generic").after == "uio_pci_generic")
}

@Test(arguments: ["nothing", "", "..", "a/b", "-r"])
func driverThatIsNotThereIsRefusedBeforeAnythingIsTouched(name: String) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  let error = refusal { () throws(UIOError) in
    _ = try DriverBinding(
      BusDevice(card, sysfs: machine.system.sysfs), system: machine.system
    ).bind(to: name)
  }
  #expect(error?.code == .notFound)
  #expect(machine.writes == [])
  #expect(machine.driver(card) == "e1000")
}

@Test(arguments: [("(null)", "(null)"), ("vfio-pci", "vfio-pci")])
func driverThatDoesNotTakeTheDeviceGivesItBack(before: String, after: String) throws {
  let machine = try FakeMachine()
  let old = before == "(null)" ? "e1000" : before
  try machine.add(card, driver: old, override: before)
  try machine.add(driver: "uio_pci_generic")
  machine.makeUnwilling("uio_pci_generic")
  let error = refusal { () throws(UIOError) in
    _ = try DriverBinding(
      BusDevice(card, sysfs: machine.system.sysfs), system: machine.system
    ).bind(to: "uio_pci_generic")
  }
  #expect(error?.code == .driverFailed)
  #expect(error?.cause.contains("\(old) drives the device again") == true)
  #expect(machine.driver(card) == old)
  #expect(try machine.override(card) == after)
}

@Test func driverThatIsLostAltogetherIsTold() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "uio_pci_generic")
  machine.makeUnwilling("uio_pci_generic")
  machine.makeUnwilling("e1000")
  let error = refusal { () throws(UIOError) in
    _ = try DriverBinding(
      BusDevice(card, sysfs: machine.system.sysfs), system: machine.system
    ).bind(to: "uio_pci_generic")
  }
  #expect(error?.cause.contains("e1000 no longer drives it") == true)
}

@Test(arguments: [
  ("pci", "uio_pci_generic", "whose INTx can be disabled"),
  ("platform", "uio_pdrv_genirq", "a device tree's node"),
  ("pci", "igb_uio", "is a driver for such a device"),
])
func driverThatDoesNotTakeTheDeviceSaysWhatItTakes(bus: String, driver: String, hint: String)
  throws
{
  let machine = try FakeMachine()
  let device = bus == "pci" ? card : "4a300000.serial"
  try machine.add(device, bus: bus, driver: nil)
  try machine.add(driver: driver, bus: bus)
  machine.makeUnwilling(driver)
  let error = refusal { () throws(UIOError) in
    _ = try DriverBinding(
      BusDevice("\(bus)-\(device)", sysfs: machine.system.sysfs), system: machine.system
    ).bind(to: driver)
  }
  #expect(error?.code == .driverFailed)
  #expect(error?.hint.contains(hint) == true)
}

@Test(arguments: [
  ("driver_override", EACCES, UIOError.Code.permissionDenied),
  ("driver_override", ENOENT, .unexpected), ("unbind", EPERM, .permissionDenied),
  ("drivers_probe", EROFS, .readOnly), ("driver_override", EROFS, .readOnly),
  ("unbind", EROFS, .readOnly), ("driver_override", ENOSPC, .resourcesExhausted),
  ("unbind", ENOSPC, .resourcesExhausted), ("drivers_probe", ENOSPC, .resourcesExhausted),
  ("driver_override", ENOMEM, .resourcesExhausted), ("unbind", EMFILE, .resourcesExhausted),
  ("unbind", ENODEV, .removed), ("unbind", EBUSY, .busy), ("drivers_probe", EIO, .driverFailed),
  ("driver_override", EINVAL, .malformed), ("unbind", EBADMSG, .unexpected),
])
func writeThatFailsLeavesTheOldDriver(attribute: String, number: Int32, code: UIOError.Code) throws
{
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "uio_pci_generic")
  machine.refuse(attribute, number)
  let error = refusal { () throws(UIOError) in
    _ = try DriverBinding(
      BusDevice(card, sysfs: machine.system.sysfs), system: machine.system
    ).bind(to: "uio_pci_generic")
  }
  #expect(error?.code == code)
  #expect(error?.errorNumber == number)
  #expect(error?.hint.isEmpty == false, "\(Errno.name(number))")
  // With the probe closed nobody can be given it any more, and that is told.
  if attribute == "drivers_probe" {
    #expect(error?.cause.contains("no longer") == true)
  } else {
    #expect(machine.driver(card) == "e1000")
  }
}

@Test func unbindingLetsTheKernelChoose() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "uio_pci_generic")
  _ = try binding(machine).bind(to: "uio_pci_generic")
  let outcome = try binding(machine).unbind()
  #expect(outcome == .init(before: "uio_pci_generic", after: "e1000"))
  #expect(try machine.override(card) == "(null)")
}

@Test func driverctlIsNoticed() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  #expect(try binding(machine).driverctlFile == nil)
  try machine.folder.write("etc/driverctl.d/pci-\(card)", "vfio-pci\n")
  #expect(try binding(machine).driverctlFile == machine.folder.path("etc/driverctl.d/pci-\(card)"))
}

@Test(arguments: ["pci-0000:00:03.0", "0000:00:03.0", "00:03.0", "pci-0000:00:03.0+evt1"])
func busDeviceIsNamedInManyWays(text: String) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  #expect(try BusDevice(text, sysfs: machine.system.sysfs).description == "pci-\(card)")
}

@Test(arguments: ["pci-0000:00:04.0", "0000:00:04.0", "platform-x", "nosuch", "../x-y", "x-../y"])
func busDeviceThatIsNotThereIsNotFound(text: String) throws {
  let machine = try FakeMachine()
  let error = refusal { () throws(UIOError) in
    _ = try BusDevice(text, sysfs: machine.system.sysfs)
  }
  #expect(error?.code == .notFound)
}

@Test func savedBindingIsKeptAndForgotten() throws {
  let folder = try TemporaryFolder()
  try folder.folder("etc")
  let saved = try SavedBinding("pci-\(card)", root: folder.path)
  #expect(saved.driver == nil)
  #expect(try !saved.remove())
  try saved.save(driver: "uio_pci_generic")
  try saved.save(driver: "igb_uio")
  #expect(saved.driver == "igb_uio")
  #expect(try FileDescriptor.list(folder.path("etc/interruptsync/bind.d")) == ["pci-\(card)"])
  #expect(try saved.remove())
  #expect(saved.driver == nil)
}

@Test(arguments: [
  (EACCES, UIOError.Code.permissionDenied), (EPERM, .permissionDenied), (EROFS, .readOnly),
  (ENOSPC, .resourcesExhausted), (EDQUOT, .resourcesExhausted), (EMFILE, .resourcesExhausted),
  (ENOMEM, .resourcesExhausted), (ENOTDIR, .malformed), (ELOOP, .malformed), (EIO, .driverFailed),
])
func savedBindingThatCannotBeWrittenHasACauseAndAHint(number: Int32, code: UIOError.Code) throws {
  let folder = try TemporaryFolder()
  try folder.folder("etc")
  let saved = try SavedBinding("pci-\(card)", root: folder.path)
  let error = SystemError.$injected.withValue({ call, _ in call == .open ? number : nil }) {
    refusal { () throws(UIOError) in try saved.save(driver: "uio_pci_generic") }
  }
  #expect(error?.code == code && error?.errorNumber == number)
  #expect(error?.cause.hasPrefix("\(saved.path) cannot be changed: ") == true)
  #expect(error?.hint == FileFailure(number).hint)
}

@Test func savedBindingBelowALinkThatLeadsNowhereIsAnError() throws {
  let folder = try TemporaryFolder()
  try folder.folder("etc")
  let saved = try SavedBinding("pci-\(card)", root: folder.path)
  try #require(symlink("nowhere", folder.path("etc/interruptsync")) == 0)
  let error = refusal { () throws(UIOError) in try saved.save(driver: "uio_pci_generic") }
  #expect(error?.code == .notFound && error?.errorNumber == ENOENT)
}

@Test(arguments: ["x", "../../etc/passwd-x", ".-", "a/b-c"])
func savedBindingOfNoDeviceIsMalformed(text: String) {
  #expect(throws: UIOError.self) { _ = try SavedBinding(text) }
}
