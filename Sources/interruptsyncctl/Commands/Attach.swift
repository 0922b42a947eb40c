import ArgumentParser
import InterruptSyncClient
import UIO
import Varlink

struct Attach: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Services a device from here, one transaction per interrupt.",
    discussion: """
      The device's own routines are set aside as long as this runs. At each interrupt the operations \
      are done, their results printed, and the interrupt completed; the line stays masked until \
      then. The first result says whether the interrupt was the device's: not, when it is 0. In \
      writes and updates the word "claimed" stands for it.

        interruptsyncctl attach pci-0000:00:03.0 -- read bar0:0x24/32 write bar0:0x64/32=claimed

      Without operations each interrupt is printed and completed: for software lines.
      """)

  @OptionGroup var target: DeviceArgument

  @Argument(parsing: .remaining, help: "Operations as transact takes them.")
  var operations: [String] = []

  @Option(help: "How long one interrupt may take, for instance 20ms; not beyond the daemon's own.")
  var deadline: TimeArgument?

  @Option(name: [.customShort("n"), .long], help: "Detach after so many interrupts.")
  var count: Int?

  @Option(help: "Fail when none comes for so long.") var timeout: TimeArgument?

  @OptionGroup var common: CommonOptions

  private func templates() throws(UIOError) -> [RegisterOperations.Template] {
    try RegisterOperations.templates(operations.joined(separator: " "))
  }

  func validate() throws {
    let templates: [RegisterOperations.Template]
    do throws(UIOError) { templates = try self.templates() } catch {
      throw ValidationError(error.description)
    }
    if templates.first?.takesClaimed == true {
      throw ValidationError("\"claimed\" is the first operation's result, and this is the first")
    }
    if let count, count < 1 { throw ValidationError("--count takes a number of at least 1") }
  }

  func run() throws {
    let templates = try templates()
    let device = try common.client().attach(target.device, deadline: deadline?.duration)
    common.note("\(target.device): attached")
    var left = count ?? .max
    while left > 0 {
      guard try device.wait(timeout: timeout?.duration) else {
        throw InterruptSyncClientError.late(target.device)
      }
      left -= 1
      try service(device, templates)
    }
    try device.detach()
  }

  /// What stands before the first `claimed` is one transaction, the rest another.
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
    if common.json {
      return common.showLine([
        "interrupts": JSON(interrupts), "claimed": .bool(claimed != 0),
        "results": .array(results.map { JSON($0) }),
      ])
    }
    let values = results.map { " \(Format.hex($0))" }.joined()
    Console.out(
      "\(Format.clock) interrupts=\(interrupts) claimed=\(claimed != 0 ? "yes" : "no")\(values)")
  }
}
