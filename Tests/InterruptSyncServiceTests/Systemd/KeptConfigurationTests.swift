// Which configuration a start uses, and with which status it exits without one.
import CUIO
import Glibc
import Testing
import TestSupport
import UIO

@testable import InterruptSyncService

private let good = "[Match]\nSoftwareLine=soft\n"
private let faulty = "[Match]\nIdd=*\n"
private let path = "\(deviceFolder)/a.device"

private func memory(_ bytes: some Sequence<UInt8>) -> FileDescriptor {
  let bytes = Array(bytes)
  return FileDescriptor(adopting: linux_memory_of_bytes("test", bytes, bytes.count))
}

/// A start with the files of `folder`; `said` is what the journal has of it.
private func start(
  _ folder: TemporaryFolder, kept: FileDescriptor? = nil, attempts: Int = 0,
  wait: () -> Void = {}
) -> (outcome: ConfigurationStart, said: String) {
  let output = makePipe()
  let journal = Journal(stream: nil, output: output.writing.raw)
  let outcome = ConfigurationStart(kept: kept, attempts: attempts, journal: journal) {
    () throws(ConfigurationError) in
    try ConfigurationSet(folder.tree)
  } wait: {
    wait()
  }
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  _ = fcntl(output.reading.raw, F_SETFL, O_NONBLOCK)
  let count = read(output.reading.raw, &bytes, bytes.count)
  return (outcome, String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self))
}

private func rejected(_ outcome: ConfigurationStart) -> ConfigurationError? {
  switch outcome {
  case .accepted: nil
  case .kept(_, let error), .refused(let error): error
  }
}

@Test(arguments: [
  (SystemError.Call.open, EMFILE), (.open, ENFILE), (.open, ENOMEM), (.open, EACCES),
  (.open, ENOENT), (.open, EIO), (.read, EIO), (.read, ENOMEM), (.read, EBADMSG),
  (.stat, EACCES), (.stat, EIO), (.opendir, EMFILE), (.opendir, EACCES), (.opendir, EIO),
])
func aFailedReadOfTheConfigurationExitsWith74(call: SystemError.Call, number: Int32) throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  let outcome = SystemError.$injected.withValue({
    $0 == call && $1.contains("a.device")
      || $0 == call && call == .opendir && $1.hasSuffix("etc/interruptsync/devices") ? number : nil
  }) {
    start(folder).outcome
  }
  let error = try #require(rejected(outcome))
  #expect(error.exitStatus == 74)
  #expect(error.description.contains(Errno.name(number)), "\(error)")
}

@Test(arguments: [faulty, "Mode", "[Match]\nId=*\n[Device]\nMode=al\n", "[Device]\n"])
func aFaultOfWhatTheFilesSayExitsWith78(text: String) throws {
  let folder = try TemporaryFolder()
  try folder.write(path, text)
  #expect(rejected(start(folder).outcome)?.exitStatus == 78)
}

@Test func aPathThatCannotBeReadExitsWith78() throws {
  let folder = try TemporaryFolder()
  try folder.write("etc/interruptsync/interruptsyncd.conf.d", "a file")
  let outcome = start(folder).outcome
  #expect(rejected(outcome)?.exitStatus == 78)
  #expect(rejected(outcome)?.diagnostics.first?.message == "cannot list the folder: ENOTDIR")
}

@Test func aFaultBesideAFailedReadExitsWith74() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, faulty)
  try folder.write("\(deviceFolder)/b.device", good)
  let outcome = SystemError.$injected.withValue({
    $0 == .open && $1.hasSuffix("b.device") ? EMFILE : nil
  }) { start(folder).outcome }
  #expect(rejected(outcome)?.exitStatus == 74)
}

@Test func theLastAcceptedConfigurationIsUsedWhenTheFilesAreAtFault() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  try folder.write("etc/interruptsync/interruptsyncd.conf", "[Daemon]\nLogLevel=err\n")
  let accepted = try folder.configuration()
  let kept = try KeptConfiguration.file(accepted.dump)
  try folder.write(path, faulty)
  let (outcome, said) = start(folder, kept: kept, attempts: 3) {
    Issue.record("nothing is tried again when there is a configuration")
  }
  guard case .kept(let used, let error) = outcome else {
    Issue.record("\(outcome)")
    return
  }
  #expect(used == accepted)
  #expect(error.exitStatus == 78)
  #expect(said.contains("the last accepted one is in force"), "\(said)")
  #expect(said.contains("\(folder.path)/\(path):2:1: error: [Match] has no key Idd="), "\(said)")
  #expect(said.contains("interruptsyncctl reload"), "\(said)")
}

@Test func goodFilesAreUsedWhateverIsKept() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  let kept = memory("nonsense".utf8)
  #expect(start(folder, kept: kept) == (.accepted(try folder.configuration()), ""))
}

@Test func aKeptConfigurationThatIsDamagedIsIgnoredWithAMessage() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  let file = try KeptConfiguration.file(try folder.configuration().dump)
  var whole = [UInt8](repeating: 0, count: 4096)
  let length = pread(file.raw, &whole, whole.count, 0)
  whole.removeLast(whole.count - length)
  try folder.write(path, faulty)
  var changed = whole
  changed[whole.count - 2] ^= 1
  let unknown = "### devices/a.device\n[Match]\nFuture=1\n"
  for (kept, reason) in [
    (memory([]), "it has no header"), (memory(whole.dropLast()), "length of its header"),
    (memory(whole + [10]), "length of its header"), (memory(changed), "its checksum is wrong"),
    (try KeptConfiguration.file(unknown), "[Match] has no key Future="),
    (makePipe().reading, "not a file of the size"),
    (try FileDescriptor.open("/dev/null", O_RDONLY), "not a file of the size"),
    (try FileDescriptor.open(folder.path(path), O_WRONLY), "cannot be read (EBADF)"),
  ] {
    let (outcome, said) = start(folder, kept: kept)
    #expect(outcome == .refused(try #require(rejected(outcome))))
    #expect(rejected(outcome)?.exitStatus == 78)
    #expect(said.contains("not usable") && said.contains(reason), "\(said)")
  }
}

@Test func theKeptConfigurationCannotBeChanged() throws {
  let file = try KeptConfiguration.file("text é\n")
  #expect(pwrite(file.raw, "x", 1, 0) == -1 && errno == EPERM)
  #expect(ftruncate(file.raw, 0) == -1 && errno == EPERM)
  #expect(try KeptConfiguration.text(file) == "text é\n")
  let later = memory("interruptsync configuration 2 2 \(Checksum.of("ab".utf8)) more\nab".utf8)
  #expect(try KeptConfiguration.text(later) == "ab", "a later version may say more")
}

@Test func aReadThatFailedIsTriedAgainWhereNothingIsKept() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  let gate = Gate()
  let (outcome, said) = SystemError.$injected.withValue({ call, path in
    call == .open && path.hasSuffix("a.device") && !gate.isOpen ? EMFILE : nil
  }) {
    var waits = 0
    let result = start(folder, attempts: 15) {
      waits += 1
      if waits == 3 { gate.open() }
    }
    #expect(waits == 3)
    return result
  }
  #expect(outcome == .accepted(try folder.configuration()))
  #expect(said.contains("cannot be read; trying again"), "\(said)")
  try folder.write(path, faulty)
  let syntax = start(folder, attempts: 15) { Issue.record("what files say is not read again") }
  #expect(rejected(syntax.outcome)?.exitStatus == 78)
}

@Test func attemptsLastSoLongThatTheManagerSeesNoLoop() throws {
  var variables: [String: Int] = [:]
  let unit = try FileDescriptor.wholeText("systemd/interruptsyncd.service")
  for line in unit.split(separator: "\n") {
    let words = line.split(separator: "=")
    if words.count == 2, let number = Int(words[1]) { variables[String(words[0])] = number }
  }
  let burst = try #require(variables["StartLimitBurst"])
  let interval = try #require(variables["StartLimitIntervalSec"])
  #expect(burst * ConfigurationStart.attempts > interval)
  #expect(variables["RestartPreventExitStatus"] == 78)
}

/// Opened once, by the thread that waits.
private final class Gate: @unchecked Sendable {
  private(set) var isOpen = false
  func open() { isOpen = true }
}

// MARK: The process

/// What the daemon said to its manager, and the configuration that it had it keep.
private func supervised(
  _ folder: TemporaryFolder, inherits kept: String? = nil, for seconds: String = "0.2"
) throws -> (status: Int32, output: String, said: [String], kept: FileDescriptor?) {
  let receiver = try FakeReceiver()
  var shell = "export NOTIFY_SOCKET=\(receiver.address) LISTEN_PID=$$"
  if let kept { shell += " LISTEN_FDS=1 LISTEN_FDNAMES=configuration; exec 3<\(kept)" }
  let (status, output) = daemon(
    "--for \(seconds) --config-root \(folder.path)", after: shell)
  var said: [String] = []
  var file: FileDescriptor?
  while let message = receiver.next(within: 0) {
    said.append(message.lines.joined(separator: " "))
    if message.lines.contains("FDNAME=configuration") { file = message.descriptors.first ?? file }
  }
  return (status, output, said, file)
}

@Test func daemonHasItsManagerKeepTheConfigurationAndUsesItAfterARestart() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, good)
  let first = try supervised(folder)
  #expect(first.status == 0)
  #expect(first.said.contains("FDSTORE=1 FDNAME=configuration"), "\(first.said)")
  #expect(!first.said.contains("FDSTOREREMOVE=1 FDNAME=configuration"))
  let kept = try #require(first.kept)
  #expect(try ConfigurationSet(dump: KeptConfiguration.text(kept)) == folder.configuration())

  // The manager's copy: what the next process has as descriptor 3.
  var bytes = [UInt8](repeating: 0, count: 1 << 16)
  let length = pread(kept.raw, &bytes, bytes.count, 0)
  bytes.removeLast(bytes.count - length)
  try folder.write("kept", String(decoding: bytes, as: UTF8.self))
  try folder.write(path, faulty)
  let second = try supervised(folder, inherits: folder.path("kept"))
  #expect(second.status == 0, "\(second.output)")
  #expect(second.output.contains("the last accepted one is in force"), "\(second.output)")
  #expect(second.output.contains("a.device:2:1: error:"), "\(second.output)")
  #expect(!second.said.contains { $0.contains("FDNAME=configuration") }, "\(second.said)")
  #expect(
    second.said.contains {
      $0.hasPrefix("READY=1 STATUS=")
        && $0.hasSuffix("; configuration rejected, an earlier one is in force")
    }, "\(second.said)")

  // At a first start nothing is kept.
  let third = try supervised(folder)
  #expect(third.status == 78)
  #expect(third.output.contains("a.device:2:1: error:"), "\(third.output)")

  try folder.write(path, good + "[Device]\nMode=all\n")
  let fourth = try supervised(folder, inherits: folder.path("kept"))
  #expect(fourth.status == 0)
  let places = fourth.said.indices.filter { fourth.said[$0].contains("FDNAME=configuration") }
  #expect(
    places.map { fourth.said[$0] } == [
      "FDSTOREREMOVE=1 FDNAME=configuration", "FDSTORE=1 FDNAME=configuration",
    ])
  let replaced = try #require(fourth.kept)
  #expect(try KeptConfiguration.text(replaced).contains("Mode=all"))
}

@Test func daemonIgnoresAKeptConfigurationThatIsDamaged() throws {
  let folder = try TemporaryFolder()
  try folder.write(path, faulty)
  try folder.write("kept", "interruptsync configuration 1 4 7\nabcd")
  let (status, output, _, _) = try supervised(folder, inherits: folder.path("kept"))
  #expect(status == 78)
  #expect(output.contains("not usable: its checksum is wrong"), "\(output)")
  #expect(output.contains("a.device:2:1: error:"), "\(output)")
}

@Test func daemonWhoseFileCannotBeReadExitsWith74() throws {
  let folder = try TemporaryFolder()
  try folder.write("\(deviceFolder)/b.device", good)
  // A regular file with a size, which answers a read with EINVAL.
  try #require(symlink("/sys/class/net/lo/speed", folder.path(path)) == 0)
  let (status, output) = daemon("--for 1 --config-root \(folder.path)")
  #expect(status == 74)
  #expect(output.contains("a.device: error: cannot read the file: EINVAL"), "\(output)")
}
