// Floor 5, room Kernel. Reports of broken rules and of the core's errors: they go to the program's
// routine or to standard error, and a broken rule ends the process in checked mode. Every call of
// this layer may report: on any thread, at any level, also with an interrupt lock held, and the
// program's routine then runs there. The monitor is released before it runs.
public import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem

enum Reports {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var routine: PINTERRUPTSYNC_REPORT_ROUTINE?
  nonisolated(unsafe) private static var context: UnsafeMutableRawPointer?
  nonisolated(unsafe) private static var limit = RateLimit<Report>(burst: 10)

  /// Reports are equal when all three are.
  private struct Report: Hashable {
    var call: String
    var rule: String
    var message: String
  }

  static func set(_ newRoutine: PINTERRUPTSYNC_REPORT_ROUTINE?, _ newContext: PVOID?) {
    monitor.locked {
      unsafe routine = unsafe newRoutine
      unsafe context = unsafe newContext
      // A new listener hears all.
      unsafe limit = RateLimit(burst: 10)
    }
  }

  /// Reports an event that breaks no rule. Of equal reports in ten seconds ten are made; the next
  /// report after that time tells how many more there were.
  static func notice(_ call: String, _ rule: String, _ message: String) {
    let report = Report(call: call, rule: rule, message: message)
    let now = linux_nanoseconds()
    let (late, isAdmitted) = monitor.locked {
      (unsafe limit.expire(now: now), unsafe limit.admits(report, now: now))
    }
    for (equal, count) in late {
      deliver(
        Report(
          call: equal.call, rule: equal.rule,
          message: "\(count) more reports like this one: \(equal.message)"))
    }
    if isAdmitted { deliver(report) }
  }

  private static func deliver(_ report: Report) {
    var reporter: PINTERRUPTSYNC_REPORT_ROUTINE?
    var argument: PVOID?
    monitor.locked {
      unsafe reporter = unsafe routine
      unsafe argument = unsafe context
    }
    if let reporter = unsafe reporter {
      unsafe reporter(argument, report.call, report.rule, report.message)
    } else {
      unsafe isw_print_report(report.call, report.rule, report.message)
    }
  }

  /// Reports a broken rule: the call, the rule's number, and what is wrong.
  static func violation(_ call: String, _ rule: String, _ message: String) {
    notice(call, rule, message)
    if Verifier.isChecked { abort() }
  }

  /// Reports an error of the core or of a device, and returns its status (N16).
  static func failure(_ call: String, _ error: InterruptSyncError) -> NTSTATUS {
    notice(call, "N16", error.description)
    return error.status.rawValue
  }

  /// True at or below `limit`; otherwise reports the call.
  static func require(_ call: String, atMost limit: KIRQL) -> Bool {
    let level = KeGetCurrentIrql()
    if level <= limit { return true }
    violation(call, "4.6", "called at IRQL \(level); the limit is \(limit)")
    return false
  }

  /// Reports a call from inside the interrupt's own routines (N4).
  static func wouldDeadlock(_ call: String) {
    violation(
      call, "N4",
      "the calling thread is inside a routine of this interrupt, or of one that shares its lock")
  }
}

@c @implementation
public func InterruptSyncReportViolation(_ Call: PCSTR!, _ Rule: PCSTR!, _ Message: PCSTR!) {
  unsafe Reports.violation(
    String(cString: Call), String(cString: Rule), String(cString: Message))
}

@c @implementation
public func InterruptSyncSetReportRoutine(
  _ Routine: PINTERRUPTSYNC_REPORT_ROUTINE!, _ Context: PVOID!
) { unsafe Reports.set(Routine, Context) }

@c @implementation
public func InterruptSyncSetChecked(_ Checked: BOOLEAN) { Verifier.isChecked = Checked != 0 }

@c @implementation
public func InterruptSyncIsChecked() -> BOOLEAN { Verifier.isChecked ? 1 : 0 }
