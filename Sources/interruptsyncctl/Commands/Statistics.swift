// Floor 7. stats and metrics: the counters of lines and routines, as tables or as OpenMetrics.
// Control.swift runs them. They only read; metrics may write a file. On the program's one thread; no
// lock.
import ArgumentParser
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
