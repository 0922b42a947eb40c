import ArgumentParser
import InterruptSyncClient
import UIO
import Varlink

struct Transact: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Runs register operations as one synchronized routine.",
    discussion: """
      No service routine and no other transaction runs in between, and all are checked before the \
      first touches anything. A result a line: what a register held, and of a write the value.

        read bar0:0x24/32 · write bar0:0x60/32=1 · 'update bar0:4/32&0xff=0x3' · \
      'wait bar0:0/32&1=1 500us'
      """)

  @OptionGroup var target: DeviceArgument

  @Argument(parsing: .remaining, help: "read, write, update and wait, each with its register.")
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
      // What was done before it ended counts.
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
