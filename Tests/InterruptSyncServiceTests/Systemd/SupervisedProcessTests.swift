// The built program, started as a service manager starts it.
import Glibc
import Testing
import TestSupport
import UIO

@testable import InterruptSyncService

private func supervised(_ receiver: FakeReceiver, _ more: String, _ arguments: String) -> Int32 {
  let (status, _) = daemon(
    arguments, after: "export NOTIFY_SOCKET=\(receiver.address) LISTEN_PID=$$ \(more)")
  return status
}

@Test func daemonTellsItsManagerHowItIs() throws {
  try #require(UIODeviceInfo.all().isEmpty, "this test is for machines without UIO devices")
  let receiver = try FakeReceiver()
  let folder = try TemporaryFolder()
  #expect(
    supervised(
      receiver, "WATCHDOG_USEC=400000 WATCHDOG_PID=$$", "--for 1 --config-root \(folder.path)") == 0
  )
  let state = try #require(receiver.next())
  #expect(state.lines == ["FDSTORE=1", "FDNAME=state"])
  #expect(try StateFile.inherit(try #require(state.descriptors.first)).devices.isEmpty)
  #expect(receiver.next()?.lines == ["FDSTORE=1", "FDNAME=configuration"])
  #expect(
    receiver.next()?.lines == ["READY=1", "STATUS=no configured device is present"])
  var fed = 0
  var last = receiver.next()
  while last?.lines == ["WATCHDOG=1"] {
    fed += 1
    last = receiver.next()
  }
  #expect(fed >= 1)
  #expect(last?.lines == ["STOPPING=1", "STATUS=stopping"])
}

@Test func daemonDropsWhatItInheritedAndDoesNotKnow() throws {
  let receiver = try FakeReceiver()
  let folder = try TemporaryFolder()
  #expect(
    supervised(
      receiver,
      "LISTEN_FDS=3 LISTEN_FDNAMES=old:uio-pci-gone:state; exec 3</dev/null 4</dev/null 5</dev/null",
      "--for 0.2 --config-root \(folder.path)") == 0)
  var said: [[String]] = []
  while let message = receiver.next(within: 0) { said.append(message.lines) }
  let removed = said.filter { $0.first == "FDSTOREREMOVE=1" }.compactMap(\.last)
  #expect(Set(removed) == ["FDNAME=old", "FDNAME=uio-pci-gone", "FDNAME=state"])
  #expect(said.contains { $0 == ["FDSTORE=1", "FDNAME=state"] })
  #expect(said.contains { $0.first == "READY=1" })
}

@Test func daemonThatCannotStartSaysWhy() throws {
  let receiver = try FakeReceiver()
  #expect(supervised(receiver, "", "no-such-device") == 1)
  var said: [String] = []
  while let message = receiver.next(within: 0) { said += message.lines }
  #expect(said.contains("ERRNO=\(ENOENT)"), "\(said)")
  #expect(said.contains { $0.hasPrefix("STATUS=no-such-device: open") }, "\(said)")
  #expect(!said.contains("READY=1"))
}
