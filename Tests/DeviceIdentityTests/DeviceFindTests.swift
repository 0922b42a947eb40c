// Finding one device by number, path, stable id or name.
import Glibc
import TestSupport
import Testing

@testable import DeviceIdentity

private func twoFunctions() throws -> FakeTree {
  var second = FakeDevice(number: 12, parent: "0000:00:04.0", dev: "245:12")
  second.name = "second"
  return try FakeTree(FakeDevice(number: 3, dev: "1:3"), second)
}

private func code(_ body: () throws -> UIODeviceInfo) -> UIOError.Code? {
  do { _ = try body() } catch { return (error as? UIOError)?.code }
  return nil
}

@Test func allDevicesComeInTheOrderOfTheirNumbers() throws {
  let tree = try twoFunctions()
  try tree.add(FakeDevice(number: 2, parent: "0000:00:05.0"))
  try tree.folder("sys/class/uio/notuio")
  try tree.folder("sys/class/uio/uiofoo")
  #expect(UIODeviceInfo.all(tree.sysfs).map(\.number) == [2, 3, 12])
  #expect(UIODeviceInfo.all(Sysfs(root: tree.path("nowhere"))).isEmpty)
}

@Test func aNumberFindsItsDevice() throws {
  let tree = try twoFunctions()
  #expect(try UIODeviceInfo.find(.number(12), sysfs: tree.sysfs).name == "second")
  #expect(code { try UIODeviceInfo.find(.number(4), sysfs: tree.sysfs) } == .notFound)
}

@Test func fact5_aStableIDFindsItsDeviceWhateverItsNumber() throws {
  let tree = try twoFunctions()
  let id = try UIODeviceID("00:04.0")
  #expect(try UIODeviceInfo.find(id, sysfs: tree.sysfs).number == 12)
  #expect(
    code { try UIODeviceInfo.find(.stable("pci-0000:00:06.0"), sysfs: tree.sysfs) } == .notFound)
}

@Test func aPathIsFoundByItsDeviceNumber() throws {
  let tree = try twoFunctions()
  // /dev/null is 1:3 on every Linux; the link stands for one that udev makes.
  try tree.link("dev/by-role", to: "/dev/null")
  let found = try UIODeviceInfo.find(.path(tree.path("dev/by-role")), sysfs: tree.sysfs)
  #expect(found.number == 3)
  #expect(code { try UIODeviceInfo.find(.path("/dev/zero"), sysfs: tree.sysfs) } == .notFound)
  #expect(code { try UIODeviceInfo.find(.path(tree.path("dev")), sysfs: tree.sysfs) } == .notFound)
}

@Test func fact1_aPathThatLeadsNowhereIsNotFound() throws {
  let tree = try twoFunctions()
  try tree.link("dev/loop", to: "loop")
  let long = "/dev/" + String(repeating: "x", count: 5000)
  for path in [tree.path("dev/none"), "/dev/null/uio0", tree.path("dev/loop"), long, "/dev/nu\0ll"]
  {
    #expect(
      code { try UIODeviceInfo.find(.path(path), sysfs: tree.sysfs) } == .notFound,
      "\(path.prefix(80))")
  }
}

@Test func fact4_aPathThatMayNotBeLookedAtSaysSo() throws {
  let tree = try twoFunctions()
  SystemError.$injected.withValue({ call, _ in call == .stat ? EACCES : nil }) {
    #expect(
      code { try UIODeviceInfo.find(.path("/dev/null"), sysfs: tree.sysfs) }
        == .permissionDenied)
  }
}

@Test func fact5_aNameThatSeveralDevicesShareIsAmbiguous() throws {
  let tree = try twoFunctions()
  #expect(try UIODeviceInfo.find(.name("second"), sysfs: tree.sysfs).number == 12)
  #expect(code { try UIODeviceInfo.find(.name("third"), sysfs: tree.sysfs) } == .notFound)
  try tree.add(FakeDevice(number: 13, parent: "0000:00:05.0", name: "second"))
  let error = #expect(throws: UIOError.self) {
    try UIODeviceInfo.find(.name("second"), sysfs: tree.sysfs)
  }
  #expect(error?.code == .ambiguous)
  #expect(
    error?.cause
      == "2 devices have this name: pci-0000:00:04.0 (uio12), pci-0000:00:05.0 (uio13)"
  )
  #expect(error?.hint == "name one of them by its stable id")
}

@Test func aDeviceIsFoundByItsVendorAndDevice() throws {
  var other = FakeDevice(number: 1, parent: "0000:00:04.0", dev: "245:1")
  other.attributes["device"] = "0x1111"
  let tree = try FakeTree(FakeDevice(), other)
  for text in ["1234:11e8", "1234:11E8"] {
    #expect(try UIODeviceInfo.find(UIODeviceID(text), sysfs: tree.sysfs).number == 0)
  }
  #expect(code { try UIODeviceInfo.find(UIODeviceID("1234:0"), sysfs: tree.sysfs) } == .notFound)
  try tree.add(FakeDevice(number: 2, parent: "0000:00:05.0", dev: "245:2"))
  let error = #expect(throws: UIOError.self) {
    try UIODeviceInfo.find(UIODeviceID("1234:11e8"), sysfs: tree.sysfs)
  }
  #expect(error?.code == .ambiguous)
  #expect(error?.cause.contains("pci-0000:00:03.0 (uio0), pci-0000:00:05.0 (uio2)") == true)
}

@Test func everyStableIDNamesItsDeviceAgain() throws {
  let tree = try FakeTree(
    FakeDevice(number: 0, name: "a b"), FakeDevice(number: 1, name: "a/b"),
    FakeDevice(number: 5, bus: "vmbus", parent: "f8615163-df3e", driver: "x", name: "net"),
    FakeDevice(number: 2, bus: "platform", parent: "fed00000.timer", attributes: [:]),
    FakeDevice(number: 3, parent: "10000:e1:1f.7"))
  for info in UIODeviceInfo.all(tree.sysfs) {
    let id = try UIODeviceID(info.stableID)
    #expect(try UIODeviceInfo.find(id, sysfs: tree.sysfs) == info, "\(info.stableID)")
  }
}
