// Floor 5, room Kernel. Reports of broken rules: they go to the program's routine or to standard
// error, and in checked mode end the process. Any thread, any level; the monitor is released before
// the routine runs.
public import CWindowsInterrupts
import Glibc
import InterruptSync
import LinuxSystem

enum Reports {
  private static let monitor = Monitor()
  nonisolated(unsafe) private static var routine: PINTERRUPTSYNC_REPORT_ROUTINE?
  nonisolated(unsafe) private static var context: UnsafeMutableRawPointer?

  static func set(_ newRoutine: PINTERRUPTSYNC_REPORT_ROUTINE?, _ newContext: PVOID?) {
    monitor.locked {
      unsafe routine = unsafe newRoutine
      unsafe context = unsafe newContext
    }
  }

  /// Reports an event that breaks no rule.
  static func notice(_ call: String, _ rule: String, _ message: String) {
    var reporter: PINTERRUPTSYNC_REPORT_ROUTINE?
    var argument: PVOID?
    monitor.locked {
      unsafe reporter = unsafe routine
      unsafe argument = unsafe context
    }
    if let reporter = unsafe reporter {
      unsafe reporter(argument, call, rule, message)
    } else {
      unsafe isw_print_report(call, rule, message)
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
