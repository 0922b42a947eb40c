// Giving a device to vfio-pci: which devices get it where no driver is named, and what is refused because
// nothing could open the device then (V6, V8).
import Testing
import TestSupport
import DeviceIdentity

@testable import DeviceInventory

private let card = "0000:00:03.0"
private let neighbor = "0000:00:03.1"
private let vfioDrivers = ["vfio-pci", "mlx5_vfio_pci"]

extension FakeMachine {
  /// Puts devices into one IOMMU group, in the order in which the kernel may list them.
  fileprivate func group(_ devices: String...) throws {
    for device in devices {
      try folder.link(
        "sys/kernel/iommu_groups/7/devices/\(device)", to: "../../../../devices/pci0/\(device)")
      try folder.link(
        "sys/devices/pci0/\(device)/iommu_group", to: "../../../kernel/iommu_groups/7")
    }
  }

  fileprivate func binding(of device: String = card, bus: String = "pci") throws -> DriverBinding {
    DriverBinding(try BusDevice("\(bus)-\(device)", sysfs: system.sysfs), system: system)
  }

  /// The refusal of a bind, which must leave everything as it was.
  fileprivate func refusal(of driver: String, device: String = card, isSaved: Bool = false) throws
    -> UIOError?
  {
    let (before, count) = (self.driver(device), writes.count)
    let binding = try binding(of: device)
    do throws(UIOError) {
      _ = try binding.bind(to: driver, isSaved: isSaved)
      return nil
    } catch {
      #expect(self.driver(device) == before && writes.count == count)
      return error
    }
  }
}

@Test(arguments: [
  (UInt8?(0), "vfio-pci"), (1, "uio_pci_generic"), (4, "uio_pci_generic"),
  (nil, "uio_pci_generic"),
])
func V6_vfioIsTheUsualDriverOfACardWithoutAnInterruptPin(pin: UInt8?, driver: String) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  // Without a pin: what little another user may read of configuration space.
  var bytes = [UInt8](repeating: 0, count: pin == nil ? 0x3d : 64)
  if let pin { bytes[0x3d] = pin }
  try machine.folder.write("sys/devices/pci0/\(card)/config", bytes)
  #expect(try machine.binding().usualDriver == driver)
}

@Test func usualDriverOfADeviceThatIsNotPCIIsTheOneOfThePlatform() throws {
  let machine = try FakeMachine()
  try machine.add("serial", bus: "platform", driver: nil)
  #expect(try machine.binding(of: "serial", bus: "platform").usualDriver == "uio_pdrv_genirq")
  // A function whose configuration space cannot be read.
  try machine.add(card, driver: nil)
  #expect(try machine.binding().usualDriver == "uio_pci_generic")
}

@Test(arguments: vfioDrivers)
func V6_bindingToVFIOIsRefusedWithoutAnIOMMU(driver: String) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: driver)
  let error = try machine.refusal(of: driver)
  #expect(error?.code == .notIsolated)
  #expect(error?.cause == "the machine has no IOMMU in use")
  #expect(error?.hint.contains("intel_iommu=on") == true)
  #expect(try machine.refusal(of: driver, isSaved: true)?.code == .notIsolated)
  // Other drivers need none.
  try machine.add(driver: "uio_pci_generic")
  #expect(try machine.binding().bind(to: "uio_pci_generic").after == "uio_pci_generic")
}

@Test(arguments: vfioDrivers)
func V8_bindingToVFIOIsRefusedWhileTheHostHasMembersOfTheGroup(driver: String) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: "i801_smbus")
  try machine.add("0000:00:1f.0", driver: "lpc_ich")
  try machine.add(driver: driver)
  try machine.group("0000:00:1f.0", card, neighbor)
  let error = try machine.refusal(of: driver)
  #expect(error?.code == .busy)
  #expect(
    error?.cause == "the device's IOMMU group is shared with \(neighbor) (i801_smbus), "
      + "0000:00:1f.0 (lpc_ich)")
  #expect(error?.hint.contains("--force") == true && error?.hint.contains("unbind") == true)
}

@Test(arguments: [nil, "vfio-pci", "mlx5_vfio_pci", "pcieport", "pci-stub"])
func V8_membersThatTheHostDoesNotUseLeaveTheGroupToVFIO(driver: String?) throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: driver)
  try machine.add(driver: "vfio-pci")
  try machine.group(card, neighbor)
  #expect(try machine.binding().bind(to: "vfio-pci") == .init(before: "ahci", after: "vfio-pci"))
}

@Test func V8_theMembersOfAGroupAreBoundOneAfterTheOtherByForceOrAsSaved() throws {
  for isSaved in [false, true] {
    let machine = try FakeMachine()
    try machine.add(card, driver: "ahci")
    try machine.add(neighbor, driver: "i801_smbus")
    try machine.add(driver: "vfio-pci")
    try machine.group(card, neighbor)
    let first = try machine.binding().bind(to: "vfio-pci", force: !isSaved, isSaved: isSaved)
    #expect(first.after == "vfio-pci")
    #expect(try machine.binding(of: neighbor).bind(to: "vfio-pci").after == "vfio-pci")
  }
}

@Test func bindingToVFIOThatTheKernelRefusesSaysWhatVFIONeeds() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "e1000")
  try machine.add(driver: "vfio-pci")
  machine.makeUnwilling("vfio-pci")
  let binding = try machine.binding()
  do throws(UIOError) {
    _ = try binding.bind(to: "vfio-pci", force: true)
    Issue.record("bound")
  } catch {
    #expect(error.code == .driverFailed && error.hint.contains("vfio-pci needs an IOMMU"))
    #expect(error.cause.contains("e1000 drives the device again"))
  }
}

@Test func V39_aSavedBindingToVFIOHasUdevLookAtTheGroupsNodeAgain() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: nil)
  try machine.add(driver: "vfio-pci")
  try machine.group(card)
  try machine.folder.write("sys/class/vfio/7/uevent", "")
  let binding = try machine.binding()
  binding.announceGroup()
  #expect(machine.writes.isEmpty)
  _ = try binding.bind(to: "vfio-pci")
  binding.announceGroup()
  #expect(machine.writes.last == "uevent=change")
}
