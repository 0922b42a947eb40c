/// How urgent a message is, as syslog(3) counts it.
package enum LogPriority: Int, CaseIterable, Comparable, Sendable {
  case emergency
  case alert
  case critical
  case error
  case warning
  case notice
  case info
  case debug

  package static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
}
