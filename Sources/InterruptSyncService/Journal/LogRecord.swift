/// A message with what programs want to know of it.
package struct LogRecord: Equatable, Sendable {
  package var priority: LogLevel
  /// For people; a hint stands on a line of its own.
  package var message: String
  package var event: JournalEvent?
  /// Stable id or name of the device that the message is about. Messages about one device are
  /// limited in number, and so are those about one user's clients.
  package var device: String?
  /// Interrupts counted so far.
  package var interrupts: UInt64?
  package var clientUID: UInt32?
  /// Varlink method.
  package var method: String?
  /// 0: none.
  package var errno: Int32
  package var file = ""
  package var line = 0
  package var function = ""

  package init(
    _ priority: LogLevel, _ message: String, event: JournalEvent? = nil, device: String? = nil,
    interrupts: UInt64? = nil, clientUID: UInt32? = nil, method: String? = nil, errno: Int32 = 0
  ) {
    self.priority = priority
    self.message = message
    self.event = event
    self.device = device
    self.interrupts = interrupts
    self.clientUID = clientUID
    self.method = method
    self.errno = errno
  }

  /// What messages are limited by; nil for those that are not many by themselves.
  var subject: LogSubject? {
    guard event != .clientThrottled else { return nil }
    return device.map { .device($0) } ?? clientUID.map { .user($0) }
  }

  /// In the journal's form: a field on a line, or with its length where it has lines itself.
  package var bytes: [UInt8] {
    var bytes: [UInt8] = []
    func field(_ name: String, _ value: String?) {
      guard let value else { return }
      let text = Array(value.utf8)
      if text.contains(0x0a) {
        bytes += Array(name.utf8) + [0x0a]
        bytes += (0..<8).map { UInt8(truncatingIfNeeded: text.count >> ($0 * 8)) } + text
      } else {
        bytes += Array("\(name)=".utf8) + text
      }
      bytes.append(0x0a)
    }
    field("MESSAGE", message)
    field("PRIORITY", "\(priority.number)")
    field("SYSLOG_IDENTIFIER", "interruptsyncd")
    field("MESSAGE_ID", event?.rawValue)
    if line > 0 {
      field("CODE_FILE", file)
      field("CODE_LINE", "\(line)")
      field("CODE_FUNC", function)
    }
    field("ERRNO", errno == 0 ? nil : "\(errno)")
    field("INTERRUPTSYNC_DEVICE", device)
    field("INTERRUPTSYNC_IRQ_COUNT", interrupts.map { "\($0)" })
    field("INTERRUPTSYNC_CLIENT_UID", clientUID.map { "\($0)" })
    field("INTERRUPTSYNC_METHOD", method)
    return bytes
  }
}
