// Floor 7. The parts of a command line that commands share: options, device names with their
// completion, and times. The commands contain them; the shell's completion calls the names. Plain
// values, on the program's one thread; no lock.
import ArgumentParser
import DeviceInventory
import Glibc
import InterruptSyncClient
import UIO
import Varlink

/// The options of every command.
struct CommonOptions: ParsableArguments {
  @Option(
    help: "The daemon's socket; the variable INTERRUPTSYNC_ADDRESS sets it as well.",
    completion: .file())
  var address: String?

  @Flag(
    name: [.customShort("j"), .long],
    help: "Print JSON with the field names of io.interruptsync(7).")
  var json = false

  @Flag(help: "Print no column headings and no summary.") var noLegend = false

  @Flag(name: .shortAndLong, help: "Print no notices, and do not say what was done.") var quiet =
    false

  @Option(help: "When to use colour: auto, always or never.") var color: Style.Choice = .auto

  /// A connection to the daemon.
  func client() throws(InterruptSyncClientError) -> InterruptSyncClient {
    try InterruptSyncClient(address: address)
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

extension CompletionKind {
  /// The names of the devices that the daemon knows.
  static var devices: CompletionKind { .custom { words, _, _ in names(words) } }

  /// The devices that bind could take.
  static var bindable: CompletionKind {
    .custom { _, _, _ in BindableDevice.all().map { "\($0.device)" } }
  }

  /// Never fails, and never waits long.
  /// - Parameter words: the command line so far.
  private static func names(_ words: [String]) -> [String] {
    var address: String?
    if let place = words.firstIndex(of: "--address"), place + 1 < words.count {
      address = words[place + 1]
    }
    let client = try? InterruptSyncClient(address: address, timeout: .seconds(1))
    if let devices = try? client?.listDevices() { return devices.map(\.id).sorted() }
    return UIODeviceInfo.all().map(\.stableID)
  }
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
