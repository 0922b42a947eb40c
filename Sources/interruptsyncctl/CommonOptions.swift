import ArgumentParser
import Glibc
import InterruptSyncClient
import Varlink

/// What every command takes.
struct CommonOptions: ParsableArguments {
  @Option(
    help: "The daemon's socket; INTERRUPTSYNC_ADDRESS in the environment does the same.",
    completion: .file())
  var address: String?

  @Flag(
    name: [.customShort("j"), .long], help: "JSON with the field names of io.interruptsync(7).")
  var json = false

  @Flag(help: "No column headings and no summary.") var noLegend = false

  @Flag(name: .shortAndLong, help: "Only what was asked for: no notices.") var quiet = false

  @Option(help: "auto, always or never.") var color: Style.Choice = .auto

  /// A connection to the daemon.
  func client() throws(InterruptSyncClientError) -> InterruptSyncClient {
    try InterruptSyncClient(address: address)
  }

  var style: Style { Style(color) }

  /// JSON for people on a terminal, and a line for programs.
  func show(_ object: JSONObject) {
    Console.out(isatty(1) == 1 ? PrettyJSON.text(.object(object)) : "\(object)")
  }

  /// One of many: always a line, written at once.
  func showLine(_ object: JSONObject) { Console.out("\(object)") }

  func note(_ text: String) { if !quiet { Console.say(text) } }
}
