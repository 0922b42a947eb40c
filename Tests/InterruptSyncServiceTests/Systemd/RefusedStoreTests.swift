// A service manager that takes nothing, and dispatchers that stand still: what the journal says.
import Glibc
import LinuxSystem
import TestSupport
import Testing

@testable import InterruptSyncService

/// A journal in a file.
private struct Written {
  let folder: TemporaryFolder
  let journal: Journal
  private let file: FileDescriptor

  init() throws {
    folder = try TemporaryFolder()
    file = try FileDescriptor.open(folder.path("log"), O_WRONLY | O_CREAT | O_APPEND, mode: 0o600)
    journal = Journal(stream: nil, output: file.raw)
  }

  var text: String { (try? FileDescriptor.wholeText(folder.path("log"))) ?? "" }
}

@Test func whatTheServiceManagerDoesNotKeepIsSaidOnceForEachThing() throws {
  let written = try Written()
  // Nobody listens there.
  let environment = ServiceEnvironment(["NOTIFY_SOCKET": written.folder.path("nobody")])
  let manager = try ServiceManagerBridge(environment, journal: written.journal, inherited: nil)
  manager.keep(configuration: "[Match]\nSoftwareLine=soft\n")
  let name = try #require(StoredName.device("pci-0000:00:03.0"))
  let (reading, writing) = makePipe()
  manager.store(reading, as: name, of: "pci-0000:00:03.0")
  manager.store(node: reading, configuration: writing, as: name, of: "pci-0000:00:04.0")
  let lines = written.text.split(separator: "\n")
  #expect(lines.count { $0.contains("cannot keep the configuration over a restart (ENOENT)") } == 1)
  for id in ["pci-0000:00:03.0", "pci-0000:00:04.0"] {
    #expect(
      lines.count {
        $0.contains("\(id): the service manager cannot keep the device over a restart (ENOENT)")
      } == 1, "\(written.text)")
  }
}

@Test func aDispatcherThatStandsStillIsNamedBeforeTheWatchdogStrikes() throws {
  let written = try Written()
  let receiver = try FakeReceiver()
  var variables = receiver.environment()
  variables["WATCHDOG_USEC"] = "40000"
  let manager = try ServiceManagerBridge(
    ServiceEnvironment(variables), journal: written.journal, inherited: nil)
  #expect(manager.watchdogTimer != nil)
  // The same beat, look for look.
  try eventually("the report") {
    manager.checkWatchdog(["uio0": 7])
    return written.text.contains("uio0: its dispatcher makes no progress")
  }
  #expect(written.text.contains("fix the routine"))
}
