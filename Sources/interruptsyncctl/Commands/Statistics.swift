// Floor 7. stats, top and metrics: the counters of lines and routines, once, repeatedly, or as
// OpenMetrics. Control.swift runs them. They only read; metrics may write a file. On the program's
// one thread; no lock.
import ArgumentParser
import DeviceInventory
import Glibc
import InterruptSyncClient
import LinuxSystem
import UIO
import Varlink

struct Stats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the counters of lines and of their routines.")

  @Argument(help: "A device or software line (default: all).", completion: .devices)
  var device: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let client = try common.client()
    let all = try device.map { [try client.statistics(of: $0)] } ?? client.statistics()
    if common.json {
      return common.show(["statistics": .array(all.map { .object($0.json) })])
    }
    if device != nil, let one = all.first { return describe(one) }
    var table = Table(
      ["DEVICE", "INTERRUPTS", "DISPATCHES", "CLAIMED", "UNCLAIMED", "STORMS", "LONGEST HOLD"],
      numbers: [1, 2, 3, 4, 5, 6])
    for one in all.sorted(by: { $0.id < $1.id }) {
      table.add([
        .init(one.id), .init("\(one.interrupts)"), .init("\(one.dispatches)"),
        .init("\(one.claimed)"), .init("\(one.unclaimed)", one.unclaimed > 0 ? .yellow : nil),
        .init("\(one.storms)", one.storms > 0 ? .yellow : nil),
        .init(Format.time(one.longestHold)),
      ])
    }
    if !all.isEmpty { Console.out(table.text(common)) }
  }

  private func describe(_ one: DeviceStatistics) {
    common.showRows(
      [
        ("Device", one.id), ("Interrupts", "\(one.interrupts)"),
        ("Dispatches", "\(one.dispatches)"), ("Coalesced", "\(one.coalesced)"),
        ("Claimed", "\(one.claimed)"), ("Unclaimed", "\(one.unclaimed)"),
        ("Passes", "\(one.passes)"), ("Re-arm failures", "\(one.rearmFailures)"),
        ("Storms", "\(one.storms)"), ("Claimed storms", "\(one.claimedStorms)"),
        ("Synchronized calls", "\(one.synchronizedCalls)"),
        ("Longest hold", Format.time(one.longestHold)),
        ("Longest wait", Format.time(one.longestWait)),
      ], width: 21)
    guard !one.routines.isEmpty else { return }
    var table = Table(["ROUTINE", "CALLS", "CLAIMS"], numbers: [1, 2])
    for routine in one.routines {
      table.add([.init(routine.name), .init("\(routine.calls)"), .init("\(routine.claims)")])
    }
    Console.out("\n" + table.text(common))
  }
}

struct Top: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows the rates of all lines and updates them.",
    discussion: """
      Press q or Ctrl-C to exit. When standard output is not a terminal, top prints one snapshot.
      """)

  @Option(help: "The time between two updates.") var interval = TimeArgument(seconds: 1)

  @Option(name: [.customShort("n"), .long], help: "Exit after COUNT updates.") var count: Int?

  @OptionGroup var common: CommonOptions

  func validate() throws {
    if interval.duration < .milliseconds(50) {
      throw ValidationError("--interval takes at least 50ms")
    }
    try requirePositive(count: count)
  }

  func run() throws {
    let client = try common.client()
    var last = try RateView(client)
    guard isatty(1) == 1 else {
      usleep(useconds_t(clamping: interval.duration.nanoseconds / 1000))
      Console.out(try RateView(client).text(since: last, common))
      return
    }
    let screen = try Screen()
    defer { screen.restore() }
    var left = count ?? .max
    while left > 0, screen.wait(interval.duration) {
      let view = try RateView(client)
      screen.show(view.text(since: last, common))
      last = view
      left -= 1
    }
  }
}

/// The counters of all lines at one moment.
private struct RateView {
  private let time = ContinuousClock.now
  private let devices: [Device]
  private let statistics: [String: DeviceStatistics]

  init(_ client: InterruptSyncClient) throws(InterruptSyncClientError) {
    devices = try client.listDevices().sorted { $0.id < $1.id }
    statistics = Dictionary(
      try client.statistics().map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// A table with the rates between two views.
  func text(since before: RateView, _ common: CommonOptions) -> String {
    let (seconds, attoseconds) = (time - before.time).components
    let elapsed = max(Double(seconds) + Double(attoseconds) / 1e18, 1e-9)
    var table = Table(
      ["DEVICE", "STATE", "INTERRUPTS/s", "UNCLAIMED/s", "INTERRUPTS", "STORMS", "LONGEST HOLD"],
      numbers: [2, 3, 4, 5, 6])
    for device in devices {
      guard let now = statistics[device.id] else { continue }
      let then = before.statistics[device.id]
      func rate(_ count: (DeviceStatistics) -> UInt64) -> Double {
        let (now, then) = (count(now), then.map(count) ?? 0)
        return now > then ? Double(now - then) / elapsed : 0
      }
      let unclaimed = rate(\.unclaimed)
      table.add([
        .init(device.id), .init(device.state.rawValue, common.style.colour(device.state)),
        .init(Format.decimal(rate(\.interrupts))),
        .init(Format.decimal(unclaimed), unclaimed > 0 ? .yellow : nil),
        .init("\(now.interrupts)"), .init("\(now.storms)", now.storms > 0 ? .yellow : nil),
        .init(Format.time(now.longestHold)),
      ])
    }
    return table.text(common)
  }
}

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the daemon's metrics as OpenMetrics text.")

  @Option(
    help: "Write them to this file instead, for the node exporter; replaces the file atomically.",
    completion: .file(extensions: ["prom"]))
  var textfile: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let text = try common.client().metrics()
    guard let textfile else {
      return common.json ? common.show(["text": .string(text)]) : Console.out(text)
    }
    do throws(SystemError) {
      try FileDescriptor.replace(textfile, with: text.hasSuffix("\n") ? text : text + "\n")
    } catch {
      throw UIOError(
        error.number == EACCES ? .permissionDenied : .unexpected, device: textfile,
        operation: "write the metrics", cause: "cannot replace the file",
        hint: "check that its folder exists and is writable", errno: error.number)
    }
  }
}
