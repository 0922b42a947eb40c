// Journal room. Where messages go: to the journal with their fields if standard error is the
// journal's, else to standard error as text. All rooms above and `main` write here on the control
// thread, hosted drivers on their own threads and queues. Any thread except a dispatcher's, which
// must not write anywhere and posts to the control thread's mailbox instead. One monitor guards
// everything, and is held while a message is written; never call it with an interrupt lock held.
import CUIO
import Glibc
import InterruptSync
package import LinuxSystem
import UIO

/// The daemon's log.
package final class Journal: @unchecked Sendable {
  /// The log of this process, by its environment.
  package static let standard = Journal(stream: stream)
  /// `device:inode` of the journal's end of a stream; nil if systemd did not start the daemon.
  package static let stream = unsafe getenv("JOURNAL_STREAM").map { unsafe String(cString: $0) }

  private let monitor = Monitor()
  private let socket: DatagramSocket?
  private let output: Int32
  private var limit: RateLimit<LogSubject>
  private var level = LogLevel.info
  /// Messages that the journal did not take. The next message reports their number.
  private var lost = 0

  /// - Parameters:
  ///   - stream: `device:inode` of the journal's end of standard error, JOURNAL_STREAM.
  ///   - output: standard error except in tests.
  ///   - address: the journal's socket.
  package init(
    stream: String?, output: Int32 = 2, address: String = "/run/systemd/journal/socket",
    limit: RateLimit<LogSubject> = RateLimit()
  ) {
    self.output = output
    self.limit = limit
    // Never waits: a journal that is stuck must not stop the control thread.
    socket = Self.isStream(stream, output) ? DatagramSocket(to: address, timeout: 0) : nil
  }

  /// Sets the least urgent level that is written; info at first.
  package func admit(_ level: LogLevel) { monitor.locked { self.level = level } }

  /// Whether `descriptor` is what `stream` (JOURNAL_STREAM) says.
  package static func isStream(_ stream: String?, _ descriptor: Int32) -> Bool {
    var status = stat()
    guard let stream, unsafe fstat(descriptor, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }

  /// Writes a message, unless its subject has had too many lately.
  package func log(
    _ record: LogRecord, file: String = #fileID, line: Int = #line, function: String = #function,
    now: UInt64 = linux_nanoseconds()
  ) {
    var record = record
    (record.file, record.line, record.function) = (file, line, function)
    monitor.locked {
      reportSuppressed(now)
      guard record.priority <= level else { return }
      if let subject = record.subject, !limit.admits(subject, now: now) { return }
      write(record)
    }
  }

  /// Writes a message without fields of its own.
  package func log(
    _ priority: LogLevel, _ message: String, event: JournalEvent? = nil, device: String? = nil,
    errno: Int32 = 0, file: String = #fileID, line: Int = #line, function: String = #function
  ) {
    log(
      LogRecord(priority, message, event: event, device: device, errno: errno), file: file,
      line: line, function: function)
  }

  /// Reports what was suppressed in intervals that are over. Call it about once a second.
  package func flushSuppressed(now: UInt64 = linux_nanoseconds()) {
    monitor.locked { reportSuppressed(now) }
  }

  private func reportSuppressed(_ now: UInt64) {
    for (subject, count) in limit.expire(now: now).sorted(by: { "\($0)" < "\($1)" }) {
      write(
        LogRecord(
          .notice, "\(subject): \(count) more messages were suppressed", event: .messagesSuppressed,
          device: subject.device, clientUID: subject.user))
    }
  }

  private func write(_ record: LogRecord) {
    if lost > 0 {
      let note = LogRecord(.warning, "\(counted(lost, "message")) lost: no room was left")
      let isTold =
        socket.map { Self.send(note.bytes, to: $0) == 0 } ?? print(note, prefix: Self.name)
      if isTold { lost = 0 }
    }
    guard let socket else {
      if !print(record, prefix: Self.name) { lost += 1 }
      return
    }
    switch Self.send(record.bytes, to: socket) {
    case 0: return
    case EAGAIN: lost += 1
    // Standard error is the journal's, but its socket is missing: each line gets its priority.
    default:
      if !print(record, prefix: "<\(record.priority.number)>") { lost += 1 }
    }
  }

  private static let name = "interruptsyncd: "

  /// A message that is too long for a datagram goes as a file.
  private static func send(_ bytes: [UInt8], to socket: DatagramSocket) -> Int32 {
    let result = socket.send(bytes)
    guard result == EMSGSIZE || result == ENOBUFS else { return result }
    let fd = unsafe bytes.withUnsafeBytes {
      unsafe linux_memory_of_bytes("interruptsync-message", $0.baseAddress, $0.count)
    }
    guard fd >= 0 else { return -fd }
    return socket.send([], descriptors: [FileDescriptor(adopting: fd)])
  }

  /// - Returns: whether there was room for it.
  private func print(_ record: LogRecord, prefix: String) -> Bool {
    let lines = record.text.split(separator: "\n", omittingEmptySubsequences: false)
    let isJournal = prefix.hasPrefix("<")
    let text = lines.enumerated().map { ($0 == 0 || isJournal ? prefix : "") + $1 }
    return Console.offer(output, text.joined(separator: "\n") + "\n")
  }
}

/// What a limited number of messages is about.
package enum LogSubject: Hashable, Sendable, CustomStringConvertible {
  /// By its stable id or name.
  case device(String)
  /// The clients of a user.
  case user(UInt32)

  var device: String? { if case .device(let device) = self { device } else { nil } }
  var user: UInt32? { if case .user(let user) = self { user } else { nil } }

  package var description: String {
    switch self {
    case .device(let device): device
    case .user(let user): "user \(user)"
    }
  }
}
