import ArgumentParser
import InterruptSyncClient
import Varlink

struct Stats: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows what lines and their routines have done.")

  @Argument(
    help: "A device or software line; without, all.",
    completion: .custom { words, _, _ in DeviceCompletion.names(words) })
  var device: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let client = try common.client()
    let all = try device.map { [try client.statistics(of: $0)] } ?? client.statistics()
    if common.json {
      return common.show(["statistics": .array(all.map { .object($0.json) })])
    }
    if let device, let one = all.first { return describe(one, device) }
    var table = Table(
      ["DEVICE", "INTERRUPTS", "DISPATCHES", "CLAIMED", "UNCLAIMED", "STORMS", "LONGEST HOLD"],
      numbers: [1, 2, 3, 4, 5, 6])
    for one in all.sorted(by: { $0.id < $1.id }) {
      table.add([
        .init(one.id), .init("\(one.interrupts)"), .init("\(one.dispatches)"),
        .init("\(one.claimed)"), .init("\(one.unclaimed)", one.unclaimed > 0 ? .yellow : nil),
        .init("\(one.storms)", one.storms > 0 ? .yellow : nil),
        .init(Format.time(nanoseconds: one.longestHoldNanoseconds)),
      ])
    }
    if !all.isEmpty { Console.out(table.text(common)) }
  }

  private func describe(_ one: DeviceStatistics, _ device: String) {
    let rows: [(String, String)] = [
      ("Device", one.id), ("Interrupts", "\(one.interrupts)"),
      ("Dispatches", "\(one.dispatches)"), ("Coalesced", "\(one.coalesced)"),
      ("Claimed", "\(one.claimed)"), ("Unclaimed", "\(one.unclaimed)"),
      ("Passes", "\(one.passes)"), ("Re-arm failures", "\(one.rearmFailures)"),
      ("Storms", "\(one.storms)"), ("Synchronized calls", "\(one.synchronizedCalls)"),
      ("Longest hold", Format.time(nanoseconds: one.longestHoldNanoseconds)),
      ("Longest wait", Format.time(nanoseconds: one.longestWaitNanoseconds)),
    ]
    for (name, value) in rows {
      let label = name + ":" + String(repeating: " ", count: 20 - name.count)
      Console.out(common.style.paint(label, .bold) + value)
    }
    guard !one.routines.isEmpty else { return }
    var table = Table(["ROUTINE", "CALLS", "CLAIMS"], numbers: [1, 2])
    for routine in one.routines {
      table.add([.init(routine.name), .init("\(routine.calls)"), .init("\(routine.claims)")])
    }
    Console.out("\n" + table.text(common))
  }
}
