// What udev's messages mean for functions of VFIO, on a copy of sysfs.
import DeviceIdentity
import Glibc
import TestSupport
import Testing

@testable import DeviceInventory

/// Two functions in one IOMMU group, neither of them bound.
private struct Functions {
  let folder: TemporaryFolder
  static let first = PCIAddress("0000:01:00.0")!
  static let second = PCIAddress("0000:01:00.1")!
  var sysfs: Sysfs { Sysfs(root: folder.path("sys"), devices: folder.path("dev")) }

  init() throws {
    folder = try TemporaryFolder()
    try folder.folder("sys/kernel/iommu_groups/9/devices")
    for address in [Self.first, Self.second] {
      let function = "sys/bus/pci/devices/\(address)"
      try folder.write("\(function)/vendor", "0x1b36\n")
      try folder.write("\(function)/device", "0x0006\n")
      try folder.link("\(function)/iommu_group", to: "../../../../kernel/iommu_groups/9")
    }
  }

  func bind(_ address: PCIAddress) throws {
    try folder.link("sys/bus/pci/devices/\(address)/driver", to: "../../drivers/vfio-pci")
  }

  func unbind(_ address: PCIAddress) {
    _ = unlink(folder.path("sys/bus/pci/devices/\(address)/driver"))
  }
}

private func message(_ subsystem: String, _ action: String, _ name: some Any) -> UdevMessage {
  UdevMessage(subsystem: subsystem, action: action, name: "\(name)")
}

/// The addresses, with + for those that came.
private func texts(_ events: [VFIOEvent]) -> [String] {
  events.map {
    switch $0 {
    case .added(let info): "+\(info.pci.address)"
    case .removed(let address): "-\(address)"
    }
  }
}

@Test func V39_aFunctionComesOnceItsGroupsNodeHasItsRights() throws {
  let functions = try Functions()
  var changes = VFIOChanges(functions.sysfs)
  try functions.bind(Functions.first)
  #expect(changes.take(message("pci", "bind", Functions.first)) == [])
  #expect(texts(changes.take(message("vfio", "add", 9))) == ["+0000:01:00.0"])
  #expect(changes.take(message("vfio", "add", 10)) == [])
}

@Test func V39_aFurtherFunctionOfAGroupWhoseNodeIsThereComesWithItsBind() throws {
  let functions = try Functions()
  try functions.bind(Functions.first)
  var changes = VFIOChanges(functions.sysfs)
  try functions.bind(Functions.second)
  #expect(texts(changes.take(message("pci", "bind", Functions.second))) == ["+0000:01:00.1"])
}

@Test func V35_aFunctionGoesWithItsGroupsNodeOrWithItsDriver() throws {
  let functions = try Functions()
  try functions.bind(Functions.first)
  try functions.bind(Functions.second)
  var changes = VFIOChanges(functions.sysfs)
  // The group has its node as long as one of them is bound.
  functions.unbind(Functions.second)
  #expect(texts(changes.take(message("pci", "unbind", Functions.second))) == ["-0000:01:00.1"])
  #expect(changes.take(message("pci", "remove", Functions.second)) == [])
  #expect(texts(changes.take(message("vfio", "remove", 9))) == ["-0000:01:00.0"])
}

@Test func V35_aFunctionThatIsBackBeforeItsEventsGoesAndComes() throws {
  let functions = try Functions()
  try functions.bind(Functions.first)
  var changes = VFIOChanges(functions.sysfs)
  #expect(texts(changes.take(message("vfio", "remove", 9))) == ["-0000:01:00.0"])
  #expect(texts(changes.take(message("vfio", "add", 9))) == ["+0000:01:00.0"])
  // The event of the unbind comes late: the function is bound.
  #expect(changes.take(message("pci", "unbind", Functions.first)) == [])
}

@Test func functionsAreComparedAfterLostMessages() throws {
  let functions = try Functions()
  try functions.bind(Functions.first)
  var changes = VFIOChanges(functions.sysfs)
  functions.unbind(Functions.first)
  try functions.bind(Functions.second)
  #expect(texts(changes.reconcile()) == ["-0000:01:00.0", "+0000:01:00.1"])
  #expect(changes.reconcile() == [])
}
