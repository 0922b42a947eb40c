// interruptsyncctl: administrators and shell scripts query and control the daemon, and bind devices
// to UIO drivers. One thread. Each command is one type under Commands/; here are the entry point
// and the exit statuses.
import ArgumentParser
import Glibc
import InterruptSyncClient
import UIO

@main
struct Control: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsyncctl",
    abstract: "Queries and controls interruptsyncd and the UIO devices that it services.",
    discussion: """
      Name a device by its stable id (pci-0000:00:03.0), node (/dev/uio0, uio0) or uio name where \
      that is unique; name a software line by its name. Data goes to standard output, everything \
      else to standard error.

      Exit status: 0 success, 1 failure, 2 usage error, 77 permission denied. The command status \
      has its own: 0 running, 3 not running, 4 no such device.
      """,
    version: "0.1.0",
    subcommands: [
      List.self, Status.self, Info.self, Watch.self, Top.self, Wait.self, Stats.self,
      Transact.self, Attach.self, Connect.self, Disconnect.self, SetCommand.self, Trigger.self,
      Reload.self, Metrics.self, Doctor.self, Bind.self, Unbind.self, Adopt.self, Call.self,
      Introspect.self,
    ])

  static func main() {
    // When the reader of a pipe goes away, SIGPIPE ends the program like every filter.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch let error as InterruptSyncClientError {
      Failure.end(error)
    } catch let error as UIOError {
      Failure.end(error)
    } catch {
      Failure.end(usage: error)
    }
  }
}

/// How the program ends when a command fails.
enum Failure {
  static let failed: Int32 = 1
  static let wrongUsage: Int32 = 2
  /// For `status`, as in the LSB's init scripts.
  static let notRunning: Int32 = 3
  static let noSuchDevice: Int32 = 4
  /// EX_NOPERM of sysexits.h.
  static let notPermitted: Int32 = 77

  static func status(_ error: InterruptSyncClientError) -> Int32 {
    error.code == .permissionDenied ? notPermitted : failed
  }

  static func end(_ error: InterruptSyncClientError) -> Never {
    Console.say(error.description)
    Glibc.exit(status(error))
  }

  static func end(_ error: UIOError) -> Never {
    Console.say(error.description)
    Glibc.exit(error.code == .permissionDenied ? notPermitted : failed)
  }

  /// Errors of the argument parser: requests for help and completion scripts, and wrong usage.
  static func end(usage error: any Error) -> Never {
    let status = Control.exitCode(for: error)
    let text = Control.fullMessage(for: error)
    if status.isSuccess {
      Console.out(text)
      Glibc.exit(0)
    }
    if !text.isEmpty { Console.complain(text) }
    Glibc.exit(status == .validationFailure ? wrongUsage : status.rawValue)
  }
}

extension InterruptSyncClientError {
  /// Nothing happened within the time given on the command line.
  static func timedOut(_ object: String, _ cause: String = "no interrupt came in time") -> Self {
    InterruptSyncClientError(
      .timedOut, object: object, operation: "wait", cause: cause,
      hint: "interruptsyncctl doctor may show why")
  }
}
