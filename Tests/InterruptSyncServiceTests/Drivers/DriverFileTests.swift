// The daemon does not load files that another user could have written.
import Glibc
import Testing
import UIO

@testable import InterruptSyncService

private func refusal(_ fixture: DriverFixture, _ path: String, owner: UInt32 = getuid())
  -> UIOError?
{
  do throws(UIOError) {
    _ = try DriverFile(fixture.folder.path(path), owner: owner, below: fixture.folder.path)
    return nil
  } catch { return error }
}

private func fixture() throws -> DriverFixture {
  let fixture = try DriverFixture()
  try fixture.folder.write("a/b/card.so", "")
  chmod(fixture.folder.path("a"), 0o755)
  chmod(fixture.folder.path("a/b"), 0o755)
  chmod(fixture.folder.path("a/b/card.so"), 0o644)
  return fixture
}

@Test func aDriverThatOnlyItsOwnerCanWriteIsTaken() throws {
  #expect(refusal(try fixture(), "a/b/card.so") == nil)
}

@Test(arguments: [
  ("a", 0o775), ("a", 0o757), ("a/b", 0o1777), ("a/b", 0o720), ("a/b/card.so", 0o664),
  ("a/b/card.so", 0o646),
])
func aDriverThatOthersCanWriteOnTheWayIsRefused(path: String, mode: UInt32) throws {
  let fixture = try fixture()
  chmod(fixture.folder.path(path), mode)
  let error = try #require(refusal(fixture, "a/b/card.so"))
  #expect(error.code == .permissionDenied)
  #expect(error.cause.contains("users other than root can write \(fixture.folder.path(path))"))
  #expect(error.cause.contains(String(mode, radix: 8)))
  #expect(error.hint.contains("chmod go-w \(fixture.folder.path(path))"))
}

@Test func aDriverOfAnotherUserIsRefused() throws {
  let error = try #require(refusal(try fixture(), "a/b/card.so", owner: getuid() + 1))
  #expect(error.code == .permissionDenied)
  #expect(error.cause.contains("belongs to user \(getuid())"))
}

@Test(arguments: ["a/link.so", "link/card.so"])
func aDriverBehindASymbolicLinkIsRefused(path: String) throws {
  let fixture = try fixture()
  try fixture.folder.link("a/link.so", to: "b/card.so")
  try fixture.folder.link("link", to: "a/b")
  let error = try #require(refusal(fixture, path))
  #expect(error.code == .permissionDenied)
  #expect(error.cause.contains("symbolic link"))
  #expect(error.hint.contains("a/b/card.so"))
}

@Test func aDriverThatIsNoFileOrNotThereIsRefused() throws {
  let fixture = try fixture()
  #expect(refusal(fixture, "a/b")?.code == .malformed)
  #expect(refusal(fixture, "a/b/none.so")?.code == .notFound)
  #expect(refusal(fixture, "a/none/card.so")?.code == .notFound)
  #expect(refusal(fixture, "a/b/card.so/card.so")?.code == .malformed)
  mkfifo(fixture.folder.path("a/fifo.so"), 0o600)
  #expect(refusal(fixture, "a/fifo.so")?.code == .malformed)
  let long = String(repeating: "x", count: 256)
  let unexamined = try #require(refusal(fixture, "a/\(long)/card.so"))
  #expect(unexamined.code == .unexpected && unexamined.cause.contains("the name is too long"))
  let elsewhere = #expect(throws: UIOError.self) {
    try DriverFile("/elsewhere/card.so", owner: getuid(), below: fixture.folder.path)
  }
  #expect(elsewhere?.code == .malformed)
}

@Test func aFolderThatEverybodyCanWriteIsRefusedByTheDaemon() throws {
  let fixture = try DriverFixture()
  let path = try fixture.build("int card_is_here;")
  let daemon = try RunningDaemon([
    "devices/10-soft.device": "[Match]\nSoftwareLine=soft\n[Routine]\nDriver=\(path)\n"
  ])
  let client = try daemon.client()
  let device = try client.ask("DescribeDevice", ["device": "soft"])["device"]?.object
  #expect(device?["state"] == "failed")
  let failure = device?["failure"]?.string ?? ""
  #expect(failure.contains("users other than root can write /tmp"))
  #expect(!failure.contains("hint"))
  #expect(device?["failureHint"]?.string?.hasPrefix("chmod go-w /tmp") == true)
}
