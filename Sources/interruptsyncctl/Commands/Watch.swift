// Floor 7. watch: changes of devices, or the interrupts of one device, one line each as they come.
// Control.swift runs it. It only reads. On the program's one thread; no lock.
import ArgumentParser
import InterruptSyncClient
import LinuxSystem
import Varlink

struct Watch: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Shows changes of devices, or the interrupts of one device, as they happen.",
    discussion: """
      Without a device, shows the devices that are present and then each change. With a device, \
      shows its interrupts, merged when they come fast; --all shows every dispatch. Each line is \
      written at once, and begins with the time of day; objects have it as time, in UTC.
      """, aliases: ["monitor"])

  @Argument(help: "A device or software line (default: all devices).", completion: .devices)
  var device: String?

  @Flag(help: "Show every dispatch of the device, as long as the reader keeps up.")
  var all = false

  @Option(name: [.customShort("n"), .long], help: "Exit after COUNT lines.") var count: Int?

  @OptionGroup var events: EventOptions

  private var common: CommonOptions { events.common }

  func validate() throws {
    if all { try common.requireLocal("watch --all needs memory that it shares with the daemon") }
    if all, device == nil { throw ValidationError("--all needs a device") }
    try requirePositive(count: count)
  }

  func run() throws {
    let client = try common.client()
    guard let device else { return try watchDevices(client) }
    if all { try watchEach(client, device) } else { try watchSummaries(client, device) }
  }

  private func watchDevices(_ client: InterruptSyncClient) throws(InterruptSyncClientError) {
    var changes = try client.watchDevices()
    var left = count ?? .max
    while left > 0, let change = try changes.next() {
      for device in change.devices where left > 0 {
        left -= 1
        let state = common.style.state(device)
        let why = device.failure.map { ": \($0)" } ?? ""
        events.show(
          "\(change.event.rawValue) \(device.id) \(state)\(why)",
          ["event": .string(change.event.rawValue), "device": .object(device.json)], .now)
      }
    }
    if left > 0 { common.note("the daemon exited") }
  }

  /// A quiet device prints nothing for as long as it is quiet.
  private func announce(_ device: String) {
    if !events.isJSON { common.note("watching \(device); Ctrl-C ends it") }
  }

  private func watchSummaries(
    _ client: InterruptSyncClient, _ device: String
  ) throws(InterruptSyncClientError) {
    var summaries = try client.events(device)
    announce(device)
    var left = count ?? .max
    while left > 0, let summary = try summaries.next() {
      left -= 1
      let values = summary.captured.sorted { $0.key < $1.key }.map { ($0.key, $0.value) }
      events.show(
        "interrupts=\(summary.interrupts) dispatches=\(summary.dispatches) "
          + "claimed=\(summary.claimed ? "yes" : "no")\(Format.captured(values))",
        summary.json, .now)
    }
    if left > 0 { common.note("\(device) was stopped or reconfigured") }
  }

  private func watchEach(
    _ client: InterruptSyncClient, _ device: String
  ) throws(InterruptSyncClientError) {
    let ring = try client.subscribe(device, capacity: 65536)
    announce(device)
    var left = count ?? .max
    while left > 0, let record = try ring.next() {
      left -= 1
      show(record, Array(zip(ring.captures, record.captured)))
    }
    if ring.dropped > 0 {
      Console.say(
        "\(device): \(counted(ring.dropped, "dispatch was", plural: "dispatches were")) not shown")
    }
    if left > 0 { common.note("\(device) was stopped or reconfigured") }
  }

  private func show(_ record: InterruptRecord, _ values: [(String, UInt64)]) {
    var captured: JSONObject = [:]
    for (name, value) in values { captured[name] = JSON(value) }
    events.show(
      "total=\(record.total) interrupts=\(record.interrupts) "
        + "claimed=\(record.claimed ? "yes" : "no")\(Format.captured(values))",
      [
        "interrupts": JSON(record.interrupts), "total": JSON(record.total),
        "timestampNanoseconds": JSON(record.timestamp.nanoseconds),
        "claimed": .bool(record.claimed),
        "dropped": JSON(record.dropped), "captured": .object(captured),
      ], Moment(monotonic: record.timestamp))
  }
}
