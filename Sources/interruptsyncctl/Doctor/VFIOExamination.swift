// Floor 7. Why a device behind VFIO could not be opened: its IOMMU group and its node, as the kernel shows
// them. Pure functions of values that Examination collected, so that tests can judge any state.
import DeviceIdentity
import DeviceInventory

/// One device of a VFIO driver.
struct VFIOExamination {
  let info: VFIODeviceInfo
  /// What this user may do with the node of its group.
  let access: NodeAccess

  var findings: [Finding] {
    guard let group = info.group, let path = info.path else {
      let meaning = IOMMUGroupInfo.absence
      return [finding(.problem, meaning.cause, meaning.hint)]
    }
    let others = info.hostsMembers
    if !others.isEmpty {
      let meaning = IOMMUGroupInfo.sharing(with: others)
      return [finding(.problem, meaning.cause, meaning.hint)]
    }
    switch access {
    case .allowed: return []
    case .denied:
      return [
        finding(
          .warning, "this user may not open \(path), the node of IOMMU group \(group.number)",
          "run as root, or let a udev rule give that node to your group")
      ]
    case .absent:
      return [
        finding(
          .problem, "there is no \(path), the node of IOMMU group \(group.number)",
          "load the modules: modprobe vfio-pci vfio_iommu_type1; a container must be given the node"
        )
      ]
    }
  }

  private func finding(_ severity: Finding.Severity, _ text: String, _ hint: String) -> Finding {
    Finding(severity: severity, subject: info.stableID, text: text, hint: hint)
  }
}
