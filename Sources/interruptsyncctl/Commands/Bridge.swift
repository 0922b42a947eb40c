// Floor 7. bridge: standard input and output as a connection to the daemon, for --host and --machine of
// another interruptsyncctl, and for any client of io.interruptsync over ssh. Control.swift runs it. On
// the program's one thread; no lock.
import ArgumentParser
import InterruptSyncClient
import LinuxSystem
import Varlink

struct Bridge: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Carries a connection to the daemon over standard input and output.",
    discussion: """
      --host and --machine run it where the daemon is. Descriptors do not cross. Exit status: 3, \
      without a message, when no daemon runs.
      """)

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if common.host != nil { throw ValidationError("bridge is the far side of --host") }
  }

  func run() throws {
    switch try common.place() {
    case .socket(let address): try carry(address)
    // A container of the machine that ssh leads to: the bridge in there takes this one's place.
    case .program(let carrier):
      throw carrier.failure(ConnectedProcess.replaceThisProcess(by: carrier.command))
    }
  }

  private func carry(_ address: String) throws {
    do throws(VarlinkError) {
      var bridge = try StandardStreamBridge(address, timeout: .seconds(10))
      try bridge.run()
    } catch {
      let failure = InterruptSyncClientError(
        error, object: address, operation: "connect to the daemon")
      // The calling interruptsyncctl says it, and may try again and again.
      guard failure.code != .notRunning else { throw ExitCode(DaemonPlace.Carrier.notRunning) }
      throw failure
    }
  }
}
