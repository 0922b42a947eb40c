// PCI functions of VFIO's drivers as sysfs describes them, with their IOMMU groups. They have the
// stable ids that the same functions have behind a UIO driver. Floor 2. The daemon's Devices room,
// VFIOMonitor and interruptsyncctl make one, which reads sysfs, at PASSIVE_LEVEL; then it is a
// value for any thread. No lock, and nothing is open.

/// A PCI function that a driver of VFIO has, at one moment.
package struct VFIODeviceInfo: Equatable, Sendable {
  /// `pci-0000:01:00.0`.
  package var stableID: String { "pci-\(pci.address)" }
  package let pci: PCIFunction
  /// `vfio-pci`, or one for certain cards.
  package let driver: String
  /// nil: no IOMMU is in use for it, as where VFIO was told to do without (V3).
  package let group: IOMMUGroupInfo?
  /// The group's node, under the tree that it was read from; nil without a group.
  package let path: String?

  /// All of them, by address. A function that goes away while it is read is left out.
  package static func all(_ sysfs: Sysfs = .system) -> [VFIODeviceInfo] {
    let folder = "\(sysfs.root)/bus/pci/devices"
    return sysfs.list(folder).sorted().compactMap { name in
      guard let address = PCIAddress(name) else { return nil }
      return VFIODeviceInfo(address, folder: "\(folder)/\(name)", sysfs: sysfs)
    }
  }

  private init?(_ address: PCIAddress, folder: String, sysfs: Sysfs) {
    guard let driver = sysfs.linkName("\(folder)/driver"), IOMMUGroupInfo.isVFIO(driver),
      let pci = PCIFunction(sysfs: sysfs, folder: folder, address: address)
    else { return nil }
    self.pci = pci
    self.driver = driver
    group = IOMMUGroupInfo(of: folder, sysfs: sysfs)
    path = group.map { "\(sysfs.devices)/vfio/\($0.number)" }
  }

  /// The members of its group that keep it from being opened (V8).
  package var hostsMembers: [IOMMUGroupInfo.Member] {
    group?.hostsMembers(besides: "\(pci.address)") ?? []
  }

  /// Whether `text` means this device: its stable id, its address, its group's node, or its vendor and
  /// device, which others may have, too.
  package func isCalled(_ text: String) -> Bool {
    text == stableID || text == path || PCIAddress(text) == pci.address
      || PCIKind(text) == pci.kind
  }
}
