import ArgumentParser
import DeviceInventory
import InterruptSyncClient
import UIO
import Varlink

struct Metrics: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the daemon's metrics as OpenMetrics text.")

  @Option(
    help: "Write them to this file instead, replaced as a whole, for the node exporter.",
    completion: .file(extensions: ["prom"]))
  var textfile: String?

  @OptionGroup var common: CommonOptions

  func run() throws {
    let text = try common.client().metrics()
    guard let textfile else {
      return common.json ? common.show(["text": .string(text)]) : Console.out(text)
    }
    do throws(SystemFailure) {
      try FileDescriptor.replace(textfile, with: text.hasSuffix("\n") ? text : text + "\n")
    } catch {
      throw UIOError(
        error.number == 13 ? .permissionDenied : .unexpected, device: textfile,
        operation: "write the metrics", cause: "the file cannot be replaced",
        hint: "its folder must be there, and writable", errno: error.number)
    }
  }
}
