// Journal room. One message with what people and programs read of it: its text and hint, its kind
// of event, and its fields. Service, the registry and the other rooms make them, mostly on the
// control thread; Journal writes them. Plain values: any thread, no lock.
package import InterruptSync
import LinuxSystem
import Varlink

/// The parts of an error that people, clients and programs read: the same for every error type.
struct Failure: Equatable, Sendable {
  /// `object: operation: cause (ERRNO)`.
  let message: String
  /// What to do about it; empty if there is nothing to do.
  let hint: String
  /// The cause, for programs; empty for an error without one.
  let code: String
  /// 0: none.
  let errno: Int32

  init(_ message: String, hint: String = "", code: String = "", errno: Int32 = 0) {
    self.message = message
    self.hint = hint
    self.code = code
    self.errno = errno
  }

  init(_ error: any Error) {
    switch error {
    case let error as any ExplainedError:
      self.init(
        error.summary, hint: error.hint, code: error.codeName, errno: error.errorNumber)
    case let error as SystemError: self.init(error.description, errno: error.number)
    default: self.init("\(error)")
    }
  }

  /// The message, and the hint on a line of its own.
  var text: String { hint.isEmpty ? message : "\(message)\n  hint: \(hint)" }
}

/// How urgent a message is, and how much the daemon logs: the levels of syslog(3), the most urgent
/// first.
package enum LogLevel: String, Sendable, CaseIterable, Comparable {
  case emergency = "emerg"
  case alert
  case critical = "crit"
  case error = "err"
  case warning
  case notice
  case info
  case debug

  /// As syslog(3) counts: 0 is the most urgent.
  package var number: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  package static func < (left: Self, right: Self) -> Bool { left.number < right.number }
}

/// Kinds of events in the journal. Each has a MESSAGE_ID that never changes.
/// systemd/interruptsync.catalog and docs/service.md explain them.
package enum JournalEvent: String, CaseIterable, Sendable {
  case ready = "fbb865f87522408dbf9467cec23592f5"
  case stopping = "87924f0bf6e94418911b50ee21ec4ff9"
  case deviceConnected = "f106a8e877ea4141be7ace23e4a3bb93"
  case deviceContinued = "8e3a58b27d6549b8861030940d8e6e8b"
  case deviceRemoved = "6b8fb9b55bf440c2abee01a9cde3f417"
  case deviceFailed = "0bd3bc86d7db4a67b38745c379778f0e"
  case stormBegan = "aeb7487043dc4539b98bbda1eecb5750"
  case claimedStormBegan = "296ccc9bfcf745e49037f962e13abc02"
  case lineCostly = "eff708e9f9334674afd8a55870b7f7ae"
  case neverSilenced = "2bcc35a3e7e14eb6bb9a8c718e1e5002"
  case stormEnded = "2fe65167076946c9b67847abe121394e"
  case rearmFailed = "ca3295df46a84275a453e027dad02bd2"
  case rearmRecovered = "2c76fe7346b64ee9a18c3cc72fdc3bd4"
  case repeatLimitReached = "3d811ad0d2cb48a58d0101633107a6bb"
  case attributeRefused = "61560463eb3648f3bfcf271cdbc8df42"
  case affinityLost = "f13954e4cc7d41939ff084c659a8332b"
  case affinityRestored = "f89f2233250345ad85a4f01995f005ed"
  case dispatcherStalled = "217f8c5cc59247b7aa053ce914fb7562"
  case stateRefused = "e190119b0cf143ecbff0c3c5627a069d"
  case configurationRejected = "6480e253de434ee591c28a7c0fc1c03e"
  case callDenied = "9249cdfeb8c247c699864a03b5cbda05"
  case routineHangs = "df9ab47c4dafa55e4ac7238c78124323"
  case routineReturned = "0c84f2022069104e792f22fcfb4c5f61"
  case attachmentExpired = "60e9dbf09bab413b8577c3fac8aca869"
  case clientThrottled = "0de3ad24e50e4878961543b43c0ba779"
  case messagesSuppressed = "62aca4a848334af69f6d3f4ee4dc8235"
}

/// A message with the fields that programs search for.
package struct LogRecord: Equatable, Sendable {
  package var priority: LogLevel
  /// For people, without the hint.
  package var message: String
  /// What to do about it; written on a line of its own.
  package var hint: String
  package var event: JournalEvent?
  /// Stable id or name of the device that the message is about. The journal limits the number of
  /// messages about one device, and about one user's clients.
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
    _ priority: LogLevel, _ message: String, hint: String = "", event: JournalEvent? = nil,
    device: String? = nil, interrupts: UInt64? = nil, clientUID: UInt32? = nil,
    method: String? = nil, errno: Int32 = 0
  ) {
    self.priority = priority
    self.message = message
    self.hint = hint
    self.event = event
    self.device = device
    self.interrupts = interrupts
    self.clientUID = clientUID
    self.method = method
    self.errno = errno
  }

  /// An error about a device.
  init(_ failure: Failure, event: JournalEvent? = nil, device: String? = nil) {
    self.init(
      .error, failure.message, hint: failure.hint, event: event, device: device,
      errno: failure.errno)
  }

  /// What a dispatcher reports about a device.
  package init(_ report: InterruptReport, device: String, interrupts: UInt64) {
    let (priority, event, errno): (LogLevel, JournalEvent, Int32) =
      switch report {
      case .removed: (.notice, .deviceRemoved, 0)
      case .failed(let error): (.error, .deviceFailed, error.errorNumber)
      case .stormBegan: (.warning, .stormBegan, 0)
      case .claimedStormBegan: (.warning, .claimedStormBegan, 0)
      case .costly: (.warning, .lineCostly, 0)
      case .stormEnded: (.notice, .stormEnded, 0)
      case .repeatLimitReached: (.warning, .repeatLimitReached, 0)
      case .rearmFailed(let error): (.error, .rearmFailed, error.errorNumber)
      case .rearmRecovered: (.notice, .rearmRecovered, 0)
      case .attributeRefused(let error): (.warning, .attributeRefused, error.errorNumber)
      case .affinityLost(let error): (.warning, .affinityLost, error.errorNumber)
      case .affinityRestored: (.notice, .affinityRestored, 0)
      }
    self.init(
      priority, "\(device): \(report)", event: event, device: device, interrupts: interrupts,
      errno: errno)
  }

  /// What the clients' server reports.
  init(_ notice: ServerNotice) {
    self.init(.notice, notice.description)
    switch notice {
    case .refusedConnection(let user, _): clientUID = user
    case .closedConnection(let peer, _): clientUID = peer.user
    case .deniedCall(let peer, let called):
      (event, clientUID, method) = (.callDenied, peer.user, called)
    }
  }

  /// The message, and the hint on a line of its own.
  var text: String { hint.isEmpty ? message : "\(message)\n  hint: \(hint)" }

  /// The subject whose number of messages is limited; nil for messages that are always few.
  var subject: LogSubject? {
    guard event != .clientThrottled else { return nil }
    return device.map { .device($0) } ?? clientUID.map { .user($0) }
  }

  /// In the journal's form: a field on one line, or with its length if it has several.
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
    field("MESSAGE", text)
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
