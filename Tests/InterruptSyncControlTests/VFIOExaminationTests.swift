// What the doctor says of a device of VFIO, from the group and the node that cause it.
import Glibc
import LinuxSystem
import Testing
import TestSupport

@testable import DeviceIdentity
@testable import DeviceInventory
@testable import InterruptSyncClient
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

@Test func V6_interruptsThatAreNotRemappedAreAProblem() throws {
  var examination = VFIOExamination(info: try rocker(neighbor: nil), access: .allowed)
  examination.machine.remapsInterrupts = false
  #expect(examination.findings.map(\.severity) == [.problem])
  #expect(examination.findings.first?.text.contains("does not remap interrupts") == true)
}

@Test(arguments: [(65536, 1), (1 << 20, 0)] as [(UInt64, Int)])
func V34_aLimitThatLeavesHardlyABufferIsAWarning(limit: UInt64, count: Int) throws {
  var examination = VFIOExamination(info: try rocker(neighbor: nil), access: .allowed)
  examination.machine.lockable = limit
  #expect(examination.findings.count == count)
  if count > 0 {
    #expect(examination.findings[0].text.contains("64 KiB"))
    #expect(examination.findings[0].hint.contains("LimitMEMLOCK="))
  }
}

@Test func V20_messagesWithoutBusMasteringAreAProblem() throws {
  let info = try rocker(neighbor: nil)
  #expect(
    VFIOExamination(info: info, access: .allowed, isMuted: true).findings.map(\.severity)
      == [.problem])
  // Armed or not, and master or not.
  for (action, command, count) in [
    ("vfio-msix[2](0000:01:00.0)", 0x02, 1), ("vfio-msix[2](0000:01:00.0)", 0x06, 0),
    ("vfio-intx(0000:01:00.0)", 0x02, 0), ("vfio-msix[2](0000:02:00.0)", 0x02, 0),
  ] {
    let folder = try TemporaryFolder()
    try folder.write(
      "sys/bus/pci/devices/0000:01:00.0/config",
      String(decoding: [0, 0, 0, 0, UInt8(command), 0, 0, 0], as: UTF8.self))
    try folder.write("proc/irq/24/\(action)/spurious", "")
    let examination = VFIOExamination(
      info, machine: VFIOMachine(), log: [],
      sysfs: Sysfs(root: folder.path("sys"), devices: "/dev"),
      procfs: Procfs(root: folder.path("proc")))
    #expect(examination.findings.count { $0.text.contains("bus mastering") } == count)
  }
}

@Test func V33_whatTheIOMMUStoppedIsAWarningWithTheLastOfIt() throws {
  let log = [
    KernelMessage(time: .seconds(3), text: intel), KernelMessage(time: .seconds(4), text: "other"),
    KernelMessage(time: .seconds(75), text: intel + " again"),
  ]
  var examination = VFIOExamination(info: try rocker(neighbor: nil), access: .allowed)
  examination.faults = IOMMUFaults(of: try #require(PCIAddress("0000:01:00.0")), in: log)
  let found = examination.findings
  #expect(found.map(\.severity) == [.warning])
  #expect(found.first?.text.contains("2 times, most recently 75 s") == true)
  #expect(found.first?.text.hasSuffix(" again") == true)
  examination.faults = IOMMUFaults(of: try #require(PCIAddress("0000:01:00.1")), in: log)
  #expect(examination.findings.isEmpty)
}

private let intel =
  "DMAR: [DMA Write NO_PASID] Request device [01:00.0] fault addr 0x100000 [fault reason 0x05] PTE Write access"

@Test(
  arguments: [
    (intel, "0000:01:00.0"),
    ("DMAR: [DMA Read] Request device [0a:1f.7] PASID ffffffff fault addr 0", "0000:0a:1f.7"),
    (
      "vfio-pci 0000:05:00.0: AMD-Vi: Event logged [IO_PAGE_FAULT domain=0x000e address=0x0 flags=0x0]",
      "0000:05:00.0"
    ),
    ("AMD-Vi: Event logged [IO_PAGE_FAULT device=06:00.1 domain=0x1 address=0x0]", "0000:06:00.1"),
    (
      "arm-smmu-v3 9050000.smmuv3: event: F_TRANSLATION client: 0002:01:00.0 sid: 0x8",
      "0002:01:00.0"
    ),
    ("DMAR: DRHD: handling fault status reg 2", nil), ("DMAR: Request device [zz]", nil),
    ("vfio-pci 0000:05:00.0: enabling device (0000 -> 0002)", nil), ("", nil),
  ] as [(String, String?)])
func faultsOfEachKindOfIOMMUNameTheirDevice(text: String, device: String?) {
  #expect(IOMMUFaults.device(of: text) == device.flatMap { PCIAddress($0) })
}

@Test func V27_aSelfTestWithoutAnAnswerIsAProblem() {
  let silent = SelfTest.finding(
    "pci-0000:01:00.0/msix1",
    InterruptSyncClientError(.timedOut, object: "d", operation: "o", cause: "it came not"))
  #expect(silent.severity == .problem && silent.text.contains("no routine was called"))
  let refused = SelfTest.finding(
    "d",
    InterruptSyncClientError(.permissionDenied, object: "d", operation: "o", cause: "not yours"))
  #expect(refused.text.contains("not yours"))
}
