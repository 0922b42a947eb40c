// Devices of VFIO's drivers and their IOMMU groups, in a copy of sysfs.
import LinuxSystem
import Testing
import TestSupport

@testable import DeviceIdentity

/// A machine's PCI functions, with the kernel's symbolic links.
private struct Machine {
  let folder: TemporaryFolder
  var sysfs: Sysfs { Sysfs(root: folder.path("sys"), devices: folder.path("dev")) }

  init() throws {
    folder = try TemporaryFolder()
    try folder.folder("sys/bus/pci/devices")
  }

  func add(_ name: String, driver: String?, group: Int?) throws {
    let function = "sys/devices/pci0/\(name)"
    try folder.write("\(function)/vendor", "0x1b36\n")
    try folder.write("\(function)/device", "0x0006\n")
    try folder.write("\(function)/resource", "0x0 0x1fff 0x40200\n")
    try folder.link("sys/bus/pci/devices/\(name)", to: "../../../devices/pci0/\(name)")
    if let driver {
      try folder.link("\(function)/driver", to: "../../../bus/pci/drivers/\(driver)")
    }
    guard let group else { return }
    try folder.link("\(function)/iommu_group", to: "../../../kernel/iommu_groups/\(group)")
    try folder.link(
      "sys/kernel/iommu_groups/\(group)/devices/\(name)", to: "../../../../devices/pci0/\(name)")
  }
}

@Test func V4_devicesOfVFIOHaveTheStableIDOfTheirFunction() throws {
  let machine = try Machine()
  try machine.add("0000:01:00.0", driver: "vfio-pci", group: 12)
  try machine.add("0000:00:03.0", driver: "mlx5_vfio_pci", group: 7)
  try machine.add("0000:00:04.0", driver: "uio_pci_generic", group: 8)
  try machine.add("0000:00:05.0", driver: nil, group: 9)
  let all = VFIODeviceInfo.all(machine.sysfs)
  #expect(all.map(\.stableID) == ["pci-0000:00:03.0", "pci-0000:01:00.0"])
  #expect(all.map(\.driver) == ["mlx5_vfio_pci", "vfio-pci"])
  #expect(all.map(\.path) == [7, 12].map { "\(machine.sysfs.devices)/vfio/\($0)" })
  #expect(all.map { $0.pci.vendor } == [0x1b36, 0x1b36])
  #expect(all.map { $0.pci.bars.map(\.size) } == [[0x2000], [0x2000]])
}

@Test func aMachineWithoutPCIHasNoDeviceOfVFIO() throws {
  let folder = try TemporaryFolder()
  #expect(VFIODeviceInfo.all(Sysfs(root: folder.path("sys"), devices: folder.path("dev"))).isEmpty)
}

@Test func V4_aDeviceOfVFIOIsFoundByIdAddressAndNode() throws {
  let machine = try Machine()
  try machine.add("0000:01:00.0", driver: "vfio-pci", group: 12)
  let info = try #require(VFIODeviceInfo.all(machine.sysfs).first)
  for text in ["pci-0000:01:00.0", "0000:01:00.0", "01:00.0", "\(machine.sysfs.devices)/vfio/12"] {
    #expect(info.isCalled(text), "\(text)")
  }
  for text in ["pci-0000:01:00.1", "01:00.1", "/dev/vfio/1", "12", ""] {
    #expect(!info.isCalled(text), "\(text)")
  }
}

@Test func V8_aGroupHasItsMembersAndTellsWhichOfThemTheHostHas() throws {
  let machine = try Machine()
  for (name, driver) in [
    ("0000:00:1f.3", "i801_smbus"), ("0000:00:1f.0", nil), ("0000:00:1f.2", "vfio-pci"),
    ("0000:00:1e.0", "pcieport"), ("0000:00:1f.4", "ahci"),
  ] { try machine.add(name, driver: driver, group: 6) }
  let info = try #require(VFIODeviceInfo.all(machine.sysfs).first)
  #expect(info.group?.number == 6)
  #expect(
    info.group?.members.map(\.name) == [
      "0000:00:1e.0", "0000:00:1f.0", "0000:00:1f.2", "0000:00:1f.3", "0000:00:1f.4",
    ])
  #expect(
    info.hostsMembers.map(\.description) == ["0000:00:1f.3 (i801_smbus)", "0000:00:1f.4 (ahci)"])
}

@Test func V3_aDeviceOfVFIOWithoutAGroupHasNoNode() throws {
  let machine = try Machine()
  try machine.add("0000:01:00.0", driver: "vfio-pci", group: nil)
  let info = try #require(VFIODeviceInfo.all(machine.sysfs).first)
  #expect(info.group == nil && info.path == nil && info.hostsMembers.isEmpty)
}
