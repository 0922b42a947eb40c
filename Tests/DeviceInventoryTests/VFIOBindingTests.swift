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

  fileprivate func groupBinding(_ driver: String = "vfio-pci") throws(UIOError) -> GroupBinding {
    let device = try BusDevice("pci-\(card)", sysfs: system.sysfs)
    return try GroupBinding(of: device, to: driver, system: system)
  }

  /// What refuses to bind the group as a whole.
  fileprivate func groupRefusal(force: Bool = false) -> UIOError? {
    do throws(UIOError) { _ = try groupBinding().bind(to: "vfio-pci", force: force) } catch {
      return error
    }
    return nil
  }

  /// A file system on a disk behind a device.
  fileprivate func mount(_ device: String) throws {
    try folder.write("sys/devices/pci0/\(device)/ata1/block/sda/dev", "8:0\n")
    try folder.link("sys/class/block/sda", to: "../../devices/pci0/\(device)/ata1/block/sda")
    try folder.write("proc/self/mountinfo", "36 35 8:0 / /srv rw - ext4 /dev/sda rw\n")
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
  #expect(error?.hint.contains("--group") == true && error?.hint.contains("unbind") == true)
  // It would bind, and nothing could open it.
  let binding = try machine.binding()
  do throws(UIOError) {
    _ = try binding.bind(to: driver, force: true)
    Issue.record("bound")
  } catch { #expect(error.code == .busy && machine.driver(card) == "ahci") }
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

@Test func V8_theMembersOfAGroupAreBoundOneAfterTheOtherAsSaved() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: "i801_smbus")
  try machine.add(driver: "vfio-pci")
  try machine.group(card, neighbor)
  #expect(try machine.binding().bind(to: "vfio-pci", isSaved: true).after == "vfio-pci")
  #expect(try machine.binding(of: neighbor).bind(to: "vfio-pci").after == "vfio-pci")
}

@Test func V8_aGroupIsBoundAsAWhole() throws {
  let machine = try FakeMachine()
  let (bridge, port, unbound) = ("0000:00:02.0", "0000:00:02.1", "0000:00:03.2")
  let (other, stub) = ("0000:00:03.3", "0000:00:03.4")
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: "i801_smbus")
  try machine.add(bridge, driver: nil)
  try machine.folder.write("sys/devices/pci0/\(bridge)/class", "0x060400\n")
  try machine.add(port, driver: "pcieport")
  try machine.add(unbound, driver: nil)
  try machine.add(other, driver: "mlx5_vfio_pci")
  try machine.add(stub, driver: "pci-stub")
  try machine.add(driver: "vfio-pci")
  try machine.group(neighbor, bridge, port, card, unbound, other, stub)
  let group = try machine.groupBinding()
  #expect(group.members.map(\.device.name) == [card, neighbor, unbound])
  let outcomes = try group.bind(to: "vfio-pci")
  #expect(outcomes.map(\.device.name) == [card, neighbor, unbound])
  #expect(outcomes.map(\.outcome.before) == ["ahci", "i801_smbus", nil])
  #expect(outcomes.allSatisfy { $0.outcome.after == "vfio-pci" })
  #expect(
    [bridge, port, other, stub].map { machine.driver($0) }
      == [nil, "pcieport", "mlx5_vfio_pci", "pci-stub"])
  // Again: nothing is left to change.
  let count = machine.writes.count
  #expect(try machine.groupBinding().bind(to: "vfio-pci").map(\.device.name) == [card])
  #expect(machine.writes.count == count)
}

@Test func V8_aMemberInUseHoldsTheGroupUpWhateverForceSays() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "i801_smbus")
  try machine.add(neighbor, driver: "ahci")
  try machine.add(driver: "vfio-pci")
  try machine.group(card, neighbor)
  try machine.mount(neighbor)
  for force in [false, true] {
    let error = machine.groupRefusal(force: force)
    #expect(error?.code == .busy && error?.device == "pci-\(neighbor)")
    #expect(error?.cause == "sda is mounted at /srv" && error?.hint.contains("--force") == false)
    #expect(machine.writes.isEmpty)
  }
}

@Test func V8_forceBindsAGroupWhoseOwnDeviceIsInUse() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: "i801_smbus")
  try machine.add(driver: "vfio-pci")
  try machine.group(card, neighbor)
  try machine.mount(card)
  let error = machine.groupRefusal()
  #expect(error?.code == .busy && error?.device == "pci-\(card)")
  #expect(error?.hint.contains("--force") == true && machine.writes.isEmpty)
  #expect(machine.groupRefusal(force: true) == nil)
  #expect([card, neighbor].allSatisfy { machine.driver($0) == "vfio-pci" })
}

@Test func V8_aMemberThatDoesNotBindGivesAllTheirDriversBack() throws {
  let machine = try FakeMachine()
  let last = "0000:00:03.2"
  try machine.add(card, driver: "ahci")
  try machine.add(neighbor, driver: nil, override: "i801_smbus")
  try machine.add(last, driver: "e1000")
  try machine.add(driver: "vfio-pci")
  try machine.group(card, neighbor, last)
  machine.makeUnwilling("vfio-pci", for: last)
  let error = machine.groupRefusal()
  #expect(error?.code == .driverFailed && error?.device == "pci-\(last)")
  #expect(error?.cause.hasSuffix("the other members of its IOMMU group are as before") == true)
  #expect([card, neighbor, last].map { machine.driver($0) } == ["ahci", nil, "e1000"])
  #expect(
    try [card, neighbor, last].map { try machine.override($0) } == [
      "(null)", "i801_smbus", "(null)",
    ])
  // One whose old driver does not take it any more is named.
  machine.makeUnwilling("ahci")
  let lost = machine.groupRefusal()
  #expect(lost?.cause.contains("pci-\(card) did not get the old driver back") == true)
}

@Test func V8_aGroupWithADeviceOfAnotherBusOfTheHostsIsRefused() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add("engine", bus: "platform", driver: "dma330")
  try machine.add(driver: "vfio-pci")
  try machine.group(card)
  try machine.folder.link(
    "sys/kernel/iommu_groups/7/devices/engine", to: "../../../../devices/platform0/engine")
  let error = machine.groupRefusal(force: true)
  #expect(error?.code == .busy && error?.cause.contains("engine (dma330)") == true)
  #expect(machine.writes.isEmpty)
}

@Test func V6_aGroupIsRefusedWithoutAnIOMMU() throws {
  let machine = try FakeMachine()
  try machine.add(card, driver: "ahci")
  try machine.add(driver: "vfio-pci")
  #expect(machine.groupRefusal(force: true)?.code == .notIsolated)
  #expect(machine.writes.isEmpty)
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
