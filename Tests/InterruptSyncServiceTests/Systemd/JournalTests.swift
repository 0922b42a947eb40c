// The journal's native protocol, and where messages go without it.
import CUIO
import FoundationEssentials
import Glibc
import InterruptSync
import Testing
import UIO

@testable import InterruptSyncService

/// Reads back what the journal would: fields with their values.
private func fields(_ bytes: [UInt8]) -> [String: String] {
  var fields: [String: String] = [:]
  var rest = bytes[...]
  while let end = rest.firstIndex(of: 0x0a) {
    let line = rest[rest.startIndex..<end]
    if let sign = line.firstIndex(of: UInt8(ascii: "=")) {
      fields[String(decoding: line[..<sign], as: UTF8.self)] = String(
        decoding: line[(sign + 1)...], as: UTF8.self)
      rest = rest[(end + 1)...]
    } else {
      let length = rest[(end + 1)..<(end + 9)].reversed().reduce(0) { $0 << 8 | Int($1) }
      let value = rest[(end + 9)..<(end + 9 + length)]
      fields[String(decoding: line, as: UTF8.self)] = String(decoding: value, as: UTF8.self)
      rest = rest[(end + 10 + length)...]
    }
  }
  return fields
}

/// A pipe for standard error, and what JOURNAL_STREAM says of it.
private struct Output {
  let reading: FileDescriptor
  let writing: FileDescriptor

  init() { (reading, writing) = makePipe() }

  var stream: String {
    var status = stat()
    fstat(writing.raw, &status)
    return "\(status.st_dev):\(status.st_ino)"
  }

  func text() -> String {
    var bytes = [UInt8](repeating: 0, count: 65536)
    _ = fcntl(reading.raw, F_SETFL, O_NONBLOCK)
    let count = read(reading.raw, &bytes, bytes.count)
    return String(decoding: bytes.prefix(max(count, 0)), as: UTF8.self)
  }
}

@Test func messageHasAllItsFields() throws {
  let receiver = try FakeReceiver()
  let output = Output()
  let journal = Journal(
    stream: output.stream, output: output.writing.raw, address: receiver.address)
  journal.log(
    LogRecord(
      .warning, "it storms", event: .stormBegan, device: "pci-0000:00:03.0", interrupts: 7,
      clientUID: 1000, method: "io.interruptsync.Attach", errno: EIO),
    file: "A.swift", line: 12, function: "f()")
  let message = try #require(receiver.next())
  #expect(
    fields(message.bytes) == [
      "MESSAGE": "it storms", "PRIORITY": "4", "SYSLOG_IDENTIFIER": "interruptsyncd",
      "MESSAGE_ID": "aeb7487043dc4539b98bbda1eecb5750", "CODE_FILE": "A.swift", "CODE_LINE": "12",
      "CODE_FUNC": "f()", "ERRNO": "\(EIO)", "INTERRUPTSYNC_DEVICE": "pci-0000:00:03.0",
      "INTERRUPTSYNC_IRQ_COUNT": "7", "INTERRUPTSYNC_CLIENT_UID": "1000",
      "INTERRUPTSYNC_METHOD": "io.interruptsync.Attach",
    ])
  #expect(output.text().isEmpty)
}

@Test func valueWithLinesCarriesItsLength() {
  let record = LogRecord(.info, "one\n  hint: two\n", device: "a\nPRIORITY=0")
  let read = fields(record.bytes)
  #expect(read["MESSAGE"] == "one\n  hint: two\n")
  #expect(read["PRIORITY"] == "6")
  #expect(read["INTERRUPTSYNC_DEVICE"] == "a\nPRIORITY=0")
}

@Test func messageThatIsTooLongGoesAsASealedFile() throws {
  let receiver = try FakeReceiver()
  let output = Output()
  let journal = Journal(
    stream: output.stream, output: output.writing.raw, address: receiver.address)
  let text = String(repeating: "long ", count: 200_000)
  journal.log(.info, text)
  let message = try #require(receiver.next())
  #expect(message.bytes.isEmpty)
  let file = try #require(message.descriptors.first)
  var status = stat()
  fstat(file.raw, &status)
  var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
  #expect(pread(file.raw, &bytes, bytes.count, 0) == bytes.count)
  #expect(fields(bytes)["MESSAGE"] == text)
  var byte: UInt8 = 0
  #expect(pwrite(file.raw, &byte, 1, 0) < 0 && errno == EPERM)
}

@Test func streamOfAnotherFileIsNotTheJournal() throws {
  let receiver = try FakeReceiver()
  let output = Output()
  for stream in [nil, "", "1:2", Output().stream] {
    let journal = Journal(stream: stream, output: output.writing.raw, address: receiver.address)
    journal.log(.error, "plain\n  hint: text")
    #expect(output.text() == "interruptsyncd: plain\n  hint: text\n")
  }
  #expect(receiver.next(within: 0) == nil)
}

@Test func journalThatIsAwayGetsLinesWithTheirPriority() {
  let output = Output()
  let journal = Journal(
    stream: output.stream, output: output.writing.raw, address: "/nonexistent/journal")
  journal.log(.error, "one\n  hint: two")
  #expect(output.text() == "<3>one\n<3>  hint: two\n")
}

@Test func journalThatIsStuckHoldsNobodyUpAndLossIsTold() throws {
  let receiver = try FakeReceiver()
  let output = Output()
  let journal = Journal(
    stream: output.stream, output: output.writing.raw, address: receiver.address)
  // More than its queue takes, whatever the system's limits.
  for number in 0..<5000 { journal.log(.info, "\(number)") }
  while receiver.next(within: 0) != nil {}
  journal.log(.info, "last")
  let note = try #require(receiver.next())
  #expect(note.text.contains(" messages lost: no room was left"))
  #expect(fields(try #require(receiver.next()).bytes)["MESSAGE"] == "last")
}

@Test func levelIsTheLeastUrgentThatIsWritten() {
  let output = Output()
  let journal = Journal(stream: nil, output: output.writing.raw)
  journal.log(.debug, "not at first")
  journal.admit(.warning)
  journal.log(.notice, "nor now")
  journal.log(.warning, "written")
  #expect(output.text() == "interruptsyncd: written\n")
}

@Test func messagesOfOneDeviceAreLimitedAndTheOthersAreNot() {
  let output = Output()
  let journal = Journal(
    stream: nil, output: output.writing.raw, limit: RateLimit(burst: 2, interval: 100))
  for _ in 0..<5 { journal.log(LogRecord(.info, "a", device: "a"), now: 10) }
  journal.log(LogRecord(.info, "b", device: "b"), now: 11)
  journal.log(LogRecord(.info, "none"), now: 12)
  #expect(
    output.text()
      == "interruptsyncd: a\ninterruptsyncd: a\ninterruptsyncd: b\ninterruptsyncd: none\n")
  journal.flushSuppressed(now: 109)
  #expect(output.text().isEmpty)
  journal.flushSuppressed(now: 110)
  #expect(output.text() == "interruptsyncd: a: 3 more messages were suppressed\n")
  journal.log(LogRecord(.info, "again", device: "a"), now: 111)
  #expect(output.text() == "interruptsyncd: again\n")
}

@Test func messagesAboutTheClientsOfOneUserAreLimited() {
  let output = Output()
  let journal = Journal(
    stream: nil, output: output.writing.raw, limit: RateLimit(burst: 1, interval: 100))
  for _ in 0..<3 { journal.log(LogRecord(.info, "denied", clientUID: 7), now: 10) }
  journal.log(LogRecord(.info, "another", clientUID: 8), now: 11)
  // A message about a device counts for the device, not for the user.
  journal.log(LogRecord(.info, "device", device: "7", clientUID: 7), now: 12)
  #expect(
    output.text() == "interruptsyncd: denied\ninterruptsyncd: another\ninterruptsyncd: device\n")
  journal.flushSuppressed(now: 110)
  #expect(output.text() == "interruptsyncd: user 7: 2 more messages were suppressed\n")
}

private let repository = URL(filePath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

@Test(arguments: ["systemd/interruptsync.catalog", "docs/service.md"])
func everyKindOfEventIsExplained(path: String) throws {
  let text = try String(contentsOf: repository.appending(path: path), encoding: .utf8)
  for event in JournalEvent.allCases {
    #expect(text.contains(event.rawValue), "\(path) lacks \(event)")
  }
  let ids = text.matches(of: /\b[0-9a-f]{32}\b/).map { String($0.output) }
  #expect(Set(ids).count == JournalEvent.allCases.count)
}
