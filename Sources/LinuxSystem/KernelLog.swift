// The kernel's log, message by message. Floor 1; interruptsyncctl doctor calls it, on its one
// thread, without a lock. It reads one file and waits for nothing.
import Glibc

/// A message of the kernel's log.
package struct KernelMessage: Equatable, Sendable {
  /// After the machine's start.
  package let time: Duration
  package let text: String

  package init(time: Duration, text: String) {
    self.time = time
    self.text = text
  }

  /// A record as the kernel hands it out: priority, number, microseconds and flags, then the text.
  init?(record: Substring) {
    // Its properties stand on lines of their own, which begin with a space.
    guard let head = record.firstIndex(of: ";"), record.first != " " else { return nil }
    let fields = record[..<head].split(separator: ",")
    guard fields.count >= 3, let time = Int64(fields[2]) else { return nil }
    self.time = .microseconds(time)
    text = String(record[record.index(after: head)...])
  }
}

package enum KernelLog {
  /// What the log has at the moment, the oldest message first. It forgets old messages, and says less
  /// of what repeats itself.
  /// - Parameter path: tests pass a copy.
  /// - Throws: the error of the open: EPERM for a user without CAP_SYSLOG, where the machine keeps the
  ///   log from such (`kernel.dmesg_restrict`).
  package static func messages(_ path: String = "/dev/kmsg") throws(SystemError) -> [KernelMessage]
  {
    let file = try FileDescriptor.open(path, O_RDONLY | O_NONBLOCK)
    var bytes: [UInt8] = []
    // A read gives one record, the longest of which is shorter.
    var buffer = [UInt8](repeating: 0, count: 8192)
    while true {
      let count = unsafe read(file.raw, &buffer, buffer.count)
      if count > 0 { bytes += buffer.prefix(count) }
      // EPIPE: the kernel has overwritten the one that was next; the read after gives the oldest.
      if count == 0 || count < 0 && errno != EPIPE && errno != EINTR { break }
    }
    return String(decoding: bytes, as: UTF8.self).split(separator: "\n").compactMap {
      KernelMessage(record: $0)
    }
  }
}
