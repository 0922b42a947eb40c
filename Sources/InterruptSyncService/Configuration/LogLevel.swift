/// How urgent a message is, and how much the daemon says; the levels of syslog(3), the most urgent
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
