// The IOMMU group of a device as sysfs shows it: which devices the IOMMU cannot keep apart, and
// which of them the host's drivers have. VFIO gives a group to one user as a whole (V8 of
// docs/vfio.md). Floor 2. IOMMUGroup, VFIODeviceInfo, the binding of drivers and interruptsyncctl
// doctor make one, at PASSIVE_LEVEL without an interrupt lock; then it is a value for any thread,
// no lock, nothing open.
import Glibc

/// The IOMMU group of one device at one moment.
package struct IOMMUGroupInfo: Equatable, Sendable {
  /// One device of the group.
  package struct Member: Equatable, Sendable, CustomStringConvertible {
    /// Its name on its bus: `0000:00:1f.3`.
    package let name: String
    /// Its driver, or nil.
    package let driver: String?

    /// Whether its driver keeps the group from VFIO: the host uses the device for itself. The two that
    /// are no driver of VFIO and are named here leave DMA to others.
    package var isHosts: Bool {
      guard let driver else { return false }
      return !IOMMUGroupInfo.isVFIO(driver) && driver != "pcieport" && driver != "pci-stub"
    }

    /// `0000:00:1f.3 (i801_smbus)`.
    package var description: String { "\(name) (\(driver ?? "no driver"))" }
  }

  /// N of `/dev/vfio/N`.
  package let number: Int
  /// By name, the device itself included.
  package let members: [Member]

  /// - Parameter folder: the device's folder in sysfs.
  /// - Returns: nil when no IOMMU is in use for the device (V6).
  package init?(of folder: String, sysfs: Sysfs) {
    guard let number = sysfs.linkName("\(folder)/iommu_group").flatMap({ Int($0) }) else {
      return nil
    }
    self.number = number
    let group = "\(sysfs.root)/kernel/iommu_groups/\(number)/devices"
    members = sysfs.list(group).sorted().map {
      Member(name: $0, driver: sysfs.linkName("\(group)/\($0)/driver"))
    }
  }

  /// What the IOMMU does for the device's group: `identity`, `DMA`, `DMA-FQ`, `blocked`. Nil when no IOMMU
  /// is in use for the device (fact 63 of docs/uio.md).
  package static func domainType(of folder: String, sysfs: Sysfs) -> String? {
    guard let group = sysfs.linkName("\(folder)/iommu_group") else { return nil }
    return sysfs.optionalText("\(sysfs.root)/kernel/iommu_groups/\(group)/type") ?? "unknown"
  }

  /// The members other than `name` that keep the group from VFIO.
  package func hostsMembers(besides name: String) -> [Member] {
    members.filter { $0.name != name && $0.isHosts }
  }

  /// Whether a driver is one of VFIO's: `vfio-pci`, or one for certain cards such as `mlx5_vfio_pci`.
  package static func isVFIO(_ driver: String) -> Bool { driver.contains("vfio") }

  /// What it means that a device has no group (V6).
  package static let absence: DeviceOperation.Meaning = (
    .notIsolated, "the machine has no IOMMU in use",
    "turn it on in the firmware (VT-d, AMD-Vi) and on the kernel's command line "
      + "(intel_iommu=on); without one use uio_pci_generic"
  )

  /// What it means that others have members of the group (V8).
  /// The device could raise any interrupt of the machine, so that no program is given it (V6).
  package static let withoutRemapping: DeviceOperation.Meaning = (
    .notIsolated, "the IOMMU does not remap interrupts, so the device could raise any of them",
    "turn on interrupt remapping in the firmware; where there is none, "
      + "vfio_iommu_type1 allow_unsafe_interrupts=1 accepts the risk"
  )

  /// - Parameter others: empty: they are not known.
  package static func sharing(with others: [Member]) -> DeviceOperation.Meaning {
    let names =
      others.isEmpty
      ? "drivers of the host" : others.map(\.description).joined(separator: ", ")
    return (
      .busy, "the device's IOMMU group is shared with \(names)",
      "the group belongs to one user: unbind its other members from their drivers, or bind them to "
        + "vfio-pci, too"
    )
  }
}
