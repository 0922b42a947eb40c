// sd_notify(3) towards a manager that is a socket of the test's.
import CUIO
import Glibc
import LinuxSystem
import Testing
import UIO

@testable import InterruptSyncService

private func manager(_ receiver: FakeReceiver) -> ServiceManager {
  ServiceManager(ServiceEnvironment(receiver.environment()))
}

@Test(arguments: [false, true]) func managerIsToldAtAPathAndAtAName(isAbstract: Bool) throws {
  let receiver = try FakeReceiver(isAbstract: isAbstract)
  manager(receiver).ready("2 devices")
  #expect(receiver.next()?.lines == ["READY=1", "STATUS=2 devices"])
}

@Test func managerGetsEveryMessageInTheFormItExpects() throws {
  let receiver = try FakeReceiver()
  let manager = manager(receiver)
  manager.reloading(at: 1_234_567_899)
  #expect(receiver.next()?.lines == ["RELOADING=1", "MONOTONIC_USEC=1234567"])
  manager.stopping("bye")
  #expect(receiver.next()?.lines == ["STOPPING=1", "STATUS=bye"])
  manager.failed("no such device", errno: ENODEV)
  #expect(receiver.next()?.lines == ["STATUS=no such device", "ERRNO=\(ENODEV)"])
  manager.feedWatchdog()
  #expect(receiver.next()?.lines == ["WATCHDOG=1"])
  manager.extendTimeout(microseconds: 5_000_000)
  #expect(receiver.next()?.lines == ["EXTEND_TIMEOUT_USEC=5000000"])
  manager.remove(StoredName("uio-x"))
  #expect(receiver.next()?.lines == ["FDSTOREREMOVE=1", "FDNAME=uio-x"])
}

@Test func statusIsOneLineAndSentWhenItChanges() throws {
  let receiver = try FakeReceiver()
  let manager = manager(receiver)
  manager.status("one\nREADY=1")
  #expect(receiver.next()?.lines == ["STATUS=one READY=1"])
  manager.status("one\nREADY=1")
  manager.status("two")
  #expect(receiver.next()?.lines == ["STATUS=two"])
}

@Test func storedDescriptorsArriveInOneMessage() throws {
  let receiver = try FakeReceiver()
  let (reading, writing) = makePipe()
  #expect(
    manager(receiver).store([reading, writing], as: StoredName("uio-a"), isWatched: false) == 0)
  let message = try #require(receiver.next())
  #expect(message.lines == ["FDSTORE=1", "FDNAME=uio-a", "FDPOLL=0"])
  try #require(message.descriptors.count == 2)
  var byte: UInt8 = 42
  #expect(write(message.descriptors[1].raw, &byte, 1) == 1)
  byte = 0
  #expect(read(reading.raw, &byte, 1) == 1)
  #expect(byte == 42)
}

@Test func watchedDescriptorsAreStoredWithoutFDPOLL() throws {
  let receiver = try FakeReceiver()
  #expect(manager(receiver).store([makePipe().reading], as: .state) == 0)
  #expect(receiver.next()?.lines == ["FDSTORE=1", "FDNAME=state"])
}

@Test func moreDescriptorsThanAMessageCarriesAreRefused() throws {
  let receiver = try FakeReceiver()
  let end = makePipe().reading
  let manager = manager(receiver)
  #expect(manager.store(Array(repeating: end, count: 254), as: .state) == E2BIG)
  #expect(manager.store(Array(repeating: end, count: 253), as: .state) == 0)
  #expect(receiver.next()?.descriptors.count == 253)
}

/// A manager that has no room for another message, because it has not read those of others.
private struct BusyManager {
  let receiver: FakeReceiver
  let manager: ServiceManager
  private let others: Int

  init() throws {
    receiver = try FakeReceiver()
    manager = InterruptSyncServiceTests.manager(receiver)
    let other = try #require(DatagramSocket(to: receiver.address, timeout: 0))
    var sent = 0
    while other.send(Array("OTHER=1".utf8)) == 0 { sent += 1 }
    others = sent
  }

  /// Reads those of others.
  func catchUp() { Self.read(others, from: receiver) }

  /// The same while the calling thread does something else.
  func catchUp(during body: () -> Void) throws {
    let reader = try WorkerThread(name: "manager") { [receiver, others] in
      Self.read(others, from: receiver)
    }
    body()
    reader.join()
  }

  private static func read(_ count: Int, from receiver: FakeReceiver) {
    for _ in 0..<count { #expect(receiver.next()?.lines == ["OTHER=1"]) }
  }
}

@Test func aBusyManagerHoldsUpNothingAndMissesNothing() throws {
  let busy = try BusyManager()
  let (receiver, manager) = (busy.receiver, busy.manager)
  manager.ready("up")
  #expect(manager.store([makePipe().reading], as: .state) == 0)
  manager.feedWatchdog()
  busy.catchUp()
  manager.sendWaiting()
  #expect(receiver.next()?.lines == ["READY=1", "STATUS=up"])
  let stored = try #require(receiver.next())
  #expect(stored.lines == ["FDSTORE=1", "FDNAME=state"])
  #expect(stored.descriptors.count == 1)
  #expect(receiver.next()?.lines == ["WATCHDOG=1"])
}

@Test func whatABusyManagerMissedComesBeforeWhatIsNew() throws {
  let busy = try BusyManager()
  let (receiver, manager) = (busy.receiver, busy.manager)
  manager.ready("up")
  busy.catchUp()
  manager.status("later")
  #expect(receiver.next()?.lines == ["READY=1", "STATUS=up"])
  #expect(receiver.next()?.lines == ["STATUS=later"])
}

@Test func whatABusyManagerMissesIsBounded() throws {
  let busy = try BusyManager()
  let manager = busy.manager
  for _ in 0..<ServiceManager.mostWaiting { manager.feedWatchdog() }
  #expect(manager.store([makePipe().reading], as: .state) == EAGAIN)
  busy.catchUp()
  manager.sendWaiting()
  #expect(manager.store([makePipe().reading], as: .state) == 0)
}

@Test func atTheEndABusyManagerGetsTheRest() throws {
  let busy = try BusyManager()
  let (receiver, manager) = (busy.receiver, busy.manager)
  manager.stopping("bye")
  try busy.catchUp(during: { manager.finish(waiting: 60_000) })
  #expect(receiver.next()?.lines == ["STOPPING=1", "STATUS=bye"])
}

@Test func withoutAManagerNothingHappens() {
  let manager = ServiceManager(ServiceEnvironment())
  #expect(!manager.isPresent)
  manager.ready("x")
  #expect(manager.store([makePipe().reading], as: .state) == 0)
}

@Test(arguments: ["", "relative", "@", "/" + String(repeating: "x", count: 107), "vsock:2:1"])
func addressThatIsNoneIsAnError(address: String) throws {
  let socket = try #require(DatagramSocket(to: address, timeout: 0))
  #expect(socket.send([1]) == EINVAL)
}

@Test func nobodyListeningIsAnError() throws {
  let socket = try #require(DatagramSocket(to: "/nonexistent/socket", timeout: 0))
  #expect(socket.send([1]) == ENOENT)
}

@Test(arguments: [
  ("pci-0000:00:03.0", "uio-pci-0000%3a00%3a03.0"),
  ("platform-a b+1", "uio-platform-a%20b+1"),
  ("virtual-é\n", "uio-virtual-%c3%a9%0a"), ("a%3a", "uio-a%253a"), ("\\", "uio-%5c"),
])
func nameOfADeviceHasOnlyWhatANameMayHave(id: String, name: String) {
  #expect(StoredName.device(id)?.description == name)
}

@Test func nameOfADeviceHasItsLimit() {
  #expect(StoredName.device(String(repeating: "a", count: 251)) != nil)
  #expect(StoredName.device(String(repeating: "a", count: 252)) == nil)
}
