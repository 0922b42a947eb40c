// interruptsyncctl: what administrators and shells ask of the daemon and of the kernel's bindings.
import ArgumentParser
import Glibc
import InterruptSyncClient
import UIO

@main
struct Control: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "interruptsyncctl",
    abstract: "Looks at and controls interruptsyncd and the UIO devices it services.",
    discussion: """
      Devices are named by stable id (pci-0000:00:03.0), node (/dev/uio0, uio0), uio name where it \
      is unique, or the name of a software line. Data goes to standard output, everything else to \
      standard error.

      Exit status: 0 done, 1 failed, 2 wrong usage, 77 not permitted; status has its own: 0 \
      running, 3 not running, 4 no such device.
      """,
    version: "0.1.0",
    subcommands: [
      List.self, Status.self, Info.self, Watch.self, Top.self, Wait.self, Stats.self,
      Transact.self, Attach.self, Connect.self, Disconnect.self, SetCommand.self, Trigger.self,
      Reload.self, Metrics.self, Doctor.self, Bind.self, Unbind.self, Adopt.self, Call.self,
      Introspect.self,
    ])

  static func main() {
    // A reader that has gone ends the program, as it ends every filter.
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
