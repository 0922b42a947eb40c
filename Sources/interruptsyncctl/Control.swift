// Floor 7. interruptsyncctl: administrators and shell scripts query and control the daemon, and
// bind devices to UIO drivers. They start it, and so do the udev rules. One thread; no lock. Each
// command is one type under Commands/; here is the entry point, which runs it and turns its error
// into an exit status.
import ArgumentParser
import Glibc
import InterruptSyncClient
import LinuxSystem
import UIO

@main
struct Control: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsyncctl",
    abstract: "Queries and controls interruptsyncd and the UIO devices that it services.",
    discussion: """
      Name a device by its stable id (pci-0000:00:03.0), node (/dev/uio0, uio0), or by PCI vendor and \
      device (1234:11e8) or uio name where that is unique; name a software line by its name. Data goes to standard output, everything \
      else to standard error.

      Exit status: 0 success, 1 failure, 2 usage error, 77 permission denied. The command status \
      has its own: 0 running, 3 not running, 4 no such device.
      """,
    version: "0.1.0",
    subcommands: [
      List.self, Status.self, Info.self, Watch.self, Top.self, Wait.self, Stats.self,
      Histogram.self, Transact.self, Attach.self, Connect.self, Disconnect.self, SetCommand.self,
      Trigger.self, Reload.self, Metrics.self, Doctor.self, Bind.self, Unbind.self, New.self,
      Edit.self, Adopt.self, Call.self, Introspect.self, Bridge.self, Udev.self,
    ])

  static func main() {
    // When the reader of a pipe goes away, SIGPIPE ends the program like every filter.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try parseAsRoot(CommonOptions.behindCommand(ProgramArguments.words))
      try command.run()
    } catch let error as InterruptSyncClientError {
      Failure.end(error)
    } catch let error as UIOError {
      Failure.end(error)
    } catch {
      endUsage(error)
    }
  }

  /// Ends after an error of the argument parser: a request for help or a completion script, or wrong
  /// usage.
  private static func endUsage(_ error: any Error) -> Never {
    let status = exitCode(for: error)
    let text = fullMessage(for: error)
    if status.isSuccess {
      // The one script that the parser prints with this line at its end.
      let isBash = text.contains("\ncomplete -o filenames -F _interruptsyncctl ")
      Console.out(isBash ? BashCompletion.withWholeWords(text) : text)
      Glibc.exit(0)
    }
    if !text.isEmpty { Console.complain(text) }
    Glibc.exit(status == .validationFailure ? Failure.wrongUsage : status.rawValue)
  }
}
