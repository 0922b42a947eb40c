// Floor 7. The parts of a command line that commands share: options, device names and times. The
// commands contain them. Plain values, on the program's one thread; no lock.
import ArgumentParser
import Glibc
import InterruptSyncClient
import Varlink

/// The options of every command.
struct CommonOptions: ParsableArguments {
  @Option(
    help: "The daemon's socket; the variable INTERRUPTSYNC_ADDRESS sets it as well.",
    completion: .file())
  var address: String?

  @Option(
    name: [.customShort("H"), .long],
    help: ArgumentHelp(
      "Call the daemon of another machine, over ssh.", valueName: "[user@]host[:port][/machine]"))
  var host: HostArgument?

  @Option(
    name: [.customShort("M"), .long],
    help: ArgumentHelp("Call the daemon of a local container (root).", valueName: "name"),
    completion: .machines)
  var machine: MachineArgument?

  @Flag(
    name: [.customShort("j"), .long],
    help: "Print JSON with the field names of io.interruptsync(7).")
  var json = false

  @Flag(help: "Print no column headings and no summary.") var noLegend = false

  @Flag(name: .shortAndLong, help: "Print no notices, and do not say what was done.") var quiet =
    false

  @Option(help: "When to use colour: auto, always or never.") var color: Style.Choice = .auto

  func validate() throws {
    if host != nil, machine != nil { throw ValidationError("give --host or --machine, not both") }
  }

  /// Has options of every command follow the command, where they stand before it, as systemctl takes
  /// them.
  static func behindCommand(_ words: [String]) -> [String] {
    let flags = ["--json", "-j", "--no-legend", "--quiet", "-q"]
    let valued = ["--address", "--host", "-H", "--machine", "-M", "--color"]
    var rest = words[...]
    while let word = rest.first {
      let isWhole = flags.contains(word) || valued.contains { word.hasPrefix($0 + "=") }
      guard isWhole || valued.contains(word) else { break }
      rest = rest.dropFirst(isWhole ? 1 : 2)
    }
    guard let command = rest.first else { return words }
    return [command] + words.prefix(words.count - rest.count) + rest.dropFirst()
  }

  var isRemote: Bool { host != nil || machine?.isHost == false }

  /// For what does not go over a connection that carries bytes alone.
  /// - Parameter what: with the reason behind it: `bind changes this machine`.
  func requireLocal(_ what: String) throws {
    guard isRemote else { return }
    throw ValidationError("\(what): run it there, without --host and --machine")
  }

  /// Where the daemon is.
  func place() throws(InterruptSyncClientError) -> DaemonPlace {
    if let host { return .program(host.carrier(address)) }
    if let machine, !machine.isHost { return .program(try machine.carrier(address)) }
    return .socket(address ?? InterruptSyncClient.defaultAddress)
  }

  /// A connection to the daemon.
  func client() throws(InterruptSyncClientError) -> InterruptSyncClient {
    try InterruptSyncClient(at: place())
  }

  var style: Style { Style(color) }

  /// Prints an object: indented on a terminal, otherwise as one line.
  func show(_ object: JSONObject) {
    Console.out(isatty(1) == 1 ? PrettyJSON.text(.object(object)) : "\(object)")
  }

  /// Prints one object of a stream: always one line, written at once.
  func showLine(_ object: JSONObject) { Console.out("\(object)") }

  func note(_ text: String) { if !quiet { Console.say(text) } }

  /// Says what a command did that has no other result. It is no data: it goes to standard error.
  func done(_ text: String) { if !quiet, !json { Console.complain(text) } }
}

// MARK: Devices

/// The name of a device, completed from the devices that the daemon knows.
struct DeviceArgument: ParsableArguments {
  @Argument(help: "A device or software line.", completion: .devices)
  var device: String
}

// MARK: Counts and times

func requirePositive(count: (some BinaryInteger)?) throws {
  if let count, count < 1 { throw ValidationError("--count takes a number of at least 1") }
}

/// A time on the command line: `500us`, `20ms`, `1.5s`, `2min`; a bare number is seconds.
struct TimeArgument: ExpressibleByArgument {
  let duration: Duration
  /// The text as the user wrote it.
  let defaultValueDescription: String

  init(seconds: Int) {
    duration = .seconds(seconds)
    defaultValueDescription = "\(seconds)s"
  }

  init?(argument: String) {
    let units: [(String, Double)] = [
      ("us", 1e3), ("ms", 1e6), ("min", 60e9), ("s", 1e9), ("", 1e9),
    ]
    for (unit, nanoseconds) in units where argument.hasSuffix(unit) {
      guard let number = Double(argument.dropLast(unit.count)), number >= 0,
        number * nanoseconds < 1e18
      else { return nil }
      duration = .nanoseconds(Int64(number * nanoseconds))
      defaultValueDescription = argument
      return
    }
    return nil
  }
}
