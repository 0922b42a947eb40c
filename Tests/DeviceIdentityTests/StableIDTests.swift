// Stable ids of several devices of one parent: each names its device whichever of the others are missing,
// or names none.
import TestSupport
import Testing

@testable import DeviceIdentity

private let parent = "4a300000.pruss"

private func event(_ number: Int, _ name: String, driver: String? = "pruss_uio") -> FakeDevice {
  FakeDevice(
    number: number, bus: "platform", parent: parent, driver: driver, name: name, attributes: [:])
}

private func ids(_ devices: [FakeDevice]) throws -> [String: String] {
  let tree = try FakeTree()
  for device in devices { try tree.add(device) }
  return Dictionary(
    uniqueKeysWithValues: UIODeviceInfo.all(tree.sysfs).map { ($0.name, $0.stableID) })
}

/// Every choice of some of the elements.
private func choices<T>(_ all: [T]) -> [[T]] {
  all.reduce(into: [[]]) { choices, next in choices += choices.map { $0 + [next] } }
}

private func failure(_ id: String, _ tree: FakeTree) throws -> UIOError? {
  let id = try UIODeviceID(id)
  do throws(UIOError) { _ = try UIODeviceInfo.find(id, sysfs: tree.sysfs) } catch { return error }
  return nil
}

@Test(arguments: ["pruss_uio", nil])
func fact58_idOfASiblingIsTheSameWhicheverOfTheOthersAreMissing(_ driver: String?) throws {
  let names = ["pruss_evt0", "pruss evt1", "pruss/evt2", "pruss_evt3"]
  let all = names.enumerated().map { event($0.offset, $0.element, driver: driver) }
  let whole = try ids(all)
  #expect(
    whole == [
      "pruss_evt0": "platform-4a300000.pruss+pruss_evt0",
      "pruss evt1": "platform-4a300000.pruss+pruss%20evt1",
      "pruss/evt2": "platform-4a300000.pruss+pruss%2fevt2",
      "pruss_evt3": "platform-4a300000.pruss+pruss_evt3",
    ])
  for some in choices(all) {
    for (name, id) in try ids(some) { #expect(id == whole[name], "\(some.map(\.name))") }
    // Numbers are given anew.
    let moved = some.reversed().enumerated().map {
      event($0.offset, $0.element.name, driver: driver)
    }
    for (name, id) in try ids(moved) { #expect(id == whole[name], "\(moved.map(\.name))") }
  }
}

@Test func fact58_idOfAMissingSiblingFindsNothing() throws {
  let tree = try FakeTree(event(0, "evt0"), event(2, "evt2"))
  let id = "platform-\(parent)+"
  #expect(try UIODeviceInfo.find(.stable(id + "evt2"), sysfs: tree.sysfs).number == 2)
  for wrong in ["evt1", "1", "2"] {
    let error = try failure(id + wrong, tree)
    #expect(error?.code == .notFound)
    #expect(error?.cause.contains("\(id)evt0, \(id)evt2") == true, "\(error?.cause ?? "")")
  }
}

@Test func fact58_parentAloneIsNoIDOfADeviceThatMayHaveSiblings() throws {
  let tree = try FakeTree(event(3, "evt3"))
  let error = try failure("platform-\(parent)", tree)
  #expect(error?.code == .notFound)
  #expect(error?.cause.contains("platform-\(parent)+evt3") == true)
  #expect(error?.hint.contains("several") == true)
}

@Test(arguments: [
  ("igb_uio", "igb_uio"), ("pruss_uio", "pruss_uio"),
  // These make one device of each, and a board file may choose the name.
  ("uio_pdrv_genirq", "any"), ("uio_dmem_genirq", "any"), ("uio_pci_generic", "any"),
  ("pruss_uio", "pruss"), ("pruss_uio", "4a300000.pruss"), ("pruss_uio", ""),
])
func fact58_nameThatTellsNothingApartIsNotPartOfTheID(_ driver: String, _ name: String) throws {
  #expect(try ids([event(0, name, driver: driver)]) == [name: "platform-\(parent)"])
}

@Test func fact59_siblingsOfOneNameAreToldApartByNothingAndFoundByNumberAlone() throws {
  for name in ["evt", "pruss", "pruss_uio", ""] {
    let tree = try FakeTree(event(4, name), event(7, name), event(8, "other"))
    let twin = try UIODeviceInfo(number: 4, sysfs: tree.sysfs)
    let error = try failure(twin.stableID, tree)
    #expect(error?.code == .ambiguous)
    #expect(error?.cause.contains("uio4, uio7") == true)
    #expect(error?.hint.contains("node") == true)
    #expect(try UIODeviceInfo.find(.number(7), sysfs: tree.sysfs).number == 7)
    #expect(throws: UIOError.self) { try twin.requireOwnID(tree.sysfs) }
    try UIODeviceInfo(number: 8, sysfs: tree.sysfs).requireOwnID(tree.sysfs)
  }
}

@Test func siblingsOfADriverThatIsSaidToMakeOneAreToldApartAllTheSame() throws {
  let found = try ids([
    event(0, "a", driver: "uio_pdrv_genirq"), event(1, "b", driver: "uio_pdrv_genirq"),
  ])
  #expect(found == ["a": "platform-\(parent)+a", "b": "platform-\(parent)+b"])
}

@Test(arguments: [
  ("evt-0_.,=@", "evt-0_.,=@"), ("a+b", "a%2bb"), ("50%", "50%25"), ("*?[!", "%2a%3f%5b%21"),
  ("\n", "%0a"), ("é", "%c3%a9"), ("%20", "%2520"), ("a:b", "a%3ab"),
])
func nameInAnIDHasNothingThatAListOrAPatternTakesApart(_ name: String, _ text: String) {
  #expect(StableID.encoded(name) == text)
}
