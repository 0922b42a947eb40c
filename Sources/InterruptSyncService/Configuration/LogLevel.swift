/// How much the daemon says; the levels of syslog(3), the most urgent first.
package enum LogLevel: String, Sendable, CaseIterable {
  case emergency = "emerg"
  case alert
  case critical = "crit"
  case error = "err"
  case warning
  case notice
  case info
  case debug
}
