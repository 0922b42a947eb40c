// Floor 7. transact and attach: register operations from the command line, once or at each
// interrupt. Control.swift runs them. They need the role control. On the program's one thread; no
// lock here, the daemon takes the device's.
import ArgumentParser
import InterruptSyncClient
import UIO
import Varlink

struct Transact: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs register operations as one synchronized routine.",
    discussion: """
      No service routine and no other transaction runs in between. The daemon checks all operations \
      before the first touches anything. Each prints one result: the value that the register held, \
      or for a write the value written.

        read bar0:0x24/32
        write bar0:0x60/32=1
        'update bar0:4/32&0xff=0x3'
        'wait bar0:0/32&1=1 500us'
      """)

  @OptionGroup var target: DeviceArgument

  @Argument(
    parsing: .remaining, help: "Operations: read, write, update and wait, each with its register.")
  var operations: [String] = []

  @OptionGroup var common: CommonOptions

  private func parsed() throws(UIOError) -> [RegisterOperation] {
    try RegisterOperations.parse(operations.joined(separator: " "))
  }

  func validate() throws {
    let operations: [RegisterOperation]
    do throws(UIOError) { operations = try parsed() } catch {
      throw ValidationError(error.description)
    }
    if operations.isEmpty { throw ValidationError("give at least one operation") }
  }

  func run() throws {
    let operations = try parsed()
    do throws(InterruptSyncClientError) {
      show(try common.client().transact(target.device, operations), of: operations)
    } catch {
      // The operations before the failure took effect: show their results too.
      if !error.results.isEmpty { show(error.results, of: operations) }
      throw error
    }
  }

  private func show(_ results: [UInt64], of operations: [RegisterOperation]) {
    if common.json {
      return common.show(["results": .array(results.map { JSON($0) })])
    }
    for (operation, result) in zip(operations, results) {
      Console.out(common.noLegend ? Format.hex(result) : "\(operation): \(Format.hex(result))")
    }
  }
}

struct Attach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Services a device from here, with register operations at each interrupt.",
    discussion: """
      The daemon suspends the device's own routines while this command runs. At each interrupt, \
      attach runs the operations, prints their results and completes the interrupt; the line stays \
      masked until then. The first result says whether the device raised the interrupt: 0 means \
      that it did not. In writes and updates the word "claimed" is replaced by that result.

        interruptsyncctl attach uio0 -- read bar0:0x24/32 write bar0:0x64/32=claimed

      Without operations, attach prints and completes each interrupt, which suits software lines.
      """)

  @OptionGroup var target: DeviceArgument

  @Argument(parsing: .remaining, help: "Operations, as for transact.")
  var operations: [String] = []

  @Option(
    help: "The time allowed for one interrupt, such as 20ms; at most the daemon's own limit.")
  var deadline: TimeArgument?

  @Option(name: [.customShort("n"), .long], help: "Detach after COUNT interrupts.")
  var count: Int?

  @Option(help: "Fail when no interrupt comes for this time.") var timeout: TimeArgument?

  @OptionGroup var events: EventOptions

  private var common: CommonOptions { events.common }

  private func templates() throws(UIOError) -> [RegisterOperations.Template] {
    try RegisterOperations.templates(operations.joined(separator: " "))
  }

  func validate() throws {
    try common.requireLocal("attach needs a descriptor, which does not leave a machine")
    let templates: [RegisterOperations.Template]
    do throws(UIOError) { templates = try self.templates() } catch {
      throw ValidationError(error.description)
    }
    if templates.first?.takesClaimed == true {
      throw ValidationError(
        "the first operation cannot use \"claimed\", which is its own result")
    }
    try requirePositive(count: count)
  }

  func run() throws {
    let templates = try templates()
    let device = try common.client().attach(target.device, deadline: deadline?.duration)
    common.note("\(target.device): attached")
    var left = count ?? .max
    while left > 0 {
      guard try device.wait(timeout: timeout?.duration) else {
        throw InterruptSyncClientError.timedOut(target.device)
      }
      left -= 1
      try service(device, templates)
    }
    try device.detach()
  }

  /// The operations before the first `claimed` are one transaction, the rest another.
  private func service(
    _ device: AttachedDevice, _ templates: [RegisterOperations.Template]
  ) throws(InterruptSyncClientError) {
    let split = templates.firstIndex(where: \.takesClaimed) ?? templates.count
    var results: [UInt64] = []
    if split > 0 { results = try device.transact(templates[..<split].map(\.body)) }
    let claimed = results.first ?? 1
    if split < templates.count, claimed != 0 {
      results += try device.transact(
        templates[split...].compactMap { $0.operation(claimed: claimed) })
    }
    let interrupts = try device.complete(claimed: claimed != 0)
    let values = results.map { " \(Format.hex($0))" }.joined()
    events.show(
      "interrupts=\(interrupts) claimed=\(claimed != 0 ? "yes" : "no")\(values)",
      [
        "interrupts": JSON(interrupts), "claimed": .bool(claimed != 0),
        "results": .array(results.map { JSON($0) }),
      ], .now)
  }
}
