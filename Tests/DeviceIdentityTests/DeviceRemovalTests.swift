// A device that goes away while it is read (fact 37), at each of the reads.
import Glibc
import Synchronization
import TestSupport
import Testing

@testable import DeviceIdentity

private let device = FakeDevice(
  maps: [FakeDevice.Map(), FakeDevice.Map()], ports: [FakeDevice.Port()])

/// Lets `count` calls through and fails every later one.
private final class Removal: Sendable {
  let left: Atomic<Int>
  let number: Int32
  init(after count: Int, _ number: Int32) {
    left = Atomic(count)
    self.number = number
  }
  func callAsFunction(_: SystemError.Call, _: String) -> Int32? {
    left.subtract(1, ordering: .relaxed).oldValue > 0 ? nil : number
  }
}

private func read(_ tree: FakeTree, after count: Int, _ number: Int32) -> Result<
  UIODeviceInfo, UIOError
> {
  let removal = Removal(after: count, number)
  return SystemError.$injected.withValue({ removal($0, $1) }) {
    do throws(UIOError) {
      return .success(try UIODeviceInfo(number: 0, sysfs: tree.sysfs))
    } catch { return .failure(error) }
  }
}

@Test(arguments: [ENOENT, ENODEV, EINVAL])
func fact37_removalAtAnyReadNeverLeavesHalfADevice(_ number: Int32) throws {
  let tree = try FakeTree(device)
  let whole = try UIODeviceInfo(number: 0, sysfs: tree.sysfs)
  var step = 0
  while step < 1000 {
    switch read(tree, after: step, number) {
    case .success(let info):
      #expect(info == whole, "after \(step) calls")
      #expect(step > 20, "the last call that matters comes late")
      return
    case .failure(let error):
      #expect(error.code == .removed || (error.code == .notFound && step < 2), "\(step): \(error)")
      #expect(error.errorNumber == number)
    }
    step += 1
  }
  Issue.record("the reading never succeeded")
}

@Test func fact37_aDeviceThatGoesAwayIsLeftOutOfTheList() throws {
  let tree = try FakeTree(device, FakeDevice(number: 1, parent: "0000:00:04.0"))
  let left = SystemError.$injected.withValue({ _, path in
    path.contains("uio0/") ? ENODEV : nil
  }) { UIODeviceInfo.all(tree.sysfs) }
  #expect(left.map(\.number) == [1])
}

@Test func aMissingDeviceIsNotFoundWithItsNumber() throws {
  let tree = try FakeTree()
  let error = #expect(throws: UIOError.self) { try UIODeviceInfo(number: 5, sysfs: tree.sysfs) }
  #expect(error?.code == .notFound)
  #expect(error?.device == "uio5")
  #expect(error?.errorNumber == ENOENT)
}

@Test func otherFailuresOfSysfsAreNotTakenForRemoval() throws {
  let tree = try FakeTree(device)
  for (number, code) in [
    (EACCES, UIOError.Code.permissionDenied), (EMFILE, .resourcesExhausted), (EIO, .unexpected),
  ] {
    guard case .failure(let error) = read(tree, after: 0, number) else {
      Issue.record("no error for \(Errno.name(number))")
      continue
    }
    #expect(error.code == code)
    #expect(error.operation == "read sysfs")
  }
}
