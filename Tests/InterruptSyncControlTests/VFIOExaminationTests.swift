// What the doctor says of a device of VFIO, from the group and the node that cause it.
import Glibc
import LinuxSystem
import Testing
import TestSupport

@testable import DeviceIdentity
@testable import DeviceInventory
@testable import interruptsyncctl

/// The rocker of group 7, which it shares with a function of `neighbor`.
private func rocker(group: Bool = true, neighbor: String?) throws -> VFIODeviceInfo {
  let folder = try TemporaryFolder()
  for (name, driver) in [("0000:01:00.0", "vfio-pci"), ("0000:01:00.1", neighbor)] {
    let function = "sys/bus/pci/devices/\(name)"
    try folder.write("\(function)/vendor", "0x1b36\n")
    try folder.write("\(function)/device", "0x0006\n")
    if let driver { try folder.link("\(function)/driver", to: "../../drivers/\(driver)") }
    guard group else { continue }
    try folder.link("\(function)/iommu_group", to: "../../../../kernel/iommu_groups/7")
    try folder.link(
      "sys/kernel/iommu_groups/7/devices/\(name)", to: "../../../../bus/pci/devices/\(name)")
  }
  let sysfs = Sysfs(root: folder.path("sys"), devices: "/dev")
  return try #require(VFIODeviceInfo.all(sysfs).first)
}

@Test(arguments: [nil, "vfio-pci"])
func deviceOfVFIOThatCanBeOpenedHasNoFinding(neighbor: String?) throws {
  #expect(VFIOExamination(info: try rocker(neighbor: neighbor), access: .allowed).findings.isEmpty)
}

@Test func V8_sharedGroupIsAProblemWhateverTheNode() throws {
  for access in [NodeAccess.allowed, .denied, .absent] {
    let found = VFIOExamination(info: try rocker(neighbor: "nvme"), access: access).findings
    #expect(found.map(\.severity) == [.problem])
    #expect(found.first?.text.contains("0000:01:00.1 (nvme)") == true)
    #expect(found.first?.hint.contains("unbind") == true)
    #expect(found.first?.subject == "pci-0000:01:00.0")
  }
}

@Test func V6_missingIOMMUIsAProblem() throws {
  let found = VFIOExamination(info: try rocker(group: false, neighbor: nil), access: .absent)
    .findings
  #expect(found.map(\.severity) == [.problem])
  #expect(found.first?.text == "the machine has no IOMMU in use")
  #expect(found.first?.hint.contains("intel_iommu=on") == true)
}

@Test func V39_nodeThatCannotBeOpenedIsNamed() throws {
  let info = try rocker(neighbor: nil)
  let denied = VFIOExamination(info: info, access: .denied).findings
  #expect(denied.map(\.severity) == [.warning])
  #expect(denied.first?.text.contains("/dev/vfio/7, the node of IOMMU group 7") == true)
  let absent = VFIOExamination(info: info, access: .absent).findings
  #expect(absent.map(\.severity) == [.problem])
  #expect(absent.first?.hint.contains("modprobe") == true)
}

@Test func accessOfANodeIsFoundWithoutOpeningIt() throws {
  let folder = try TemporaryFolder()
  try folder.write("node", "")
  #expect(NodeAccess(folder.path("node")) == .allowed)
  #expect(NodeAccess(folder.path("none")) == .absent)
  #expect(NodeAccess(folder.path("node/below")) == .absent)
  // Root may open what its mode denies, and opens no path that never ends.
  try folder.link("circle", to: "circle")
  #expect(NodeAccess(folder.path("circle")) == .denied)
}
