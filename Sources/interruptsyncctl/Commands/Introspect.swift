import ArgumentParser
import Varlink

struct Introspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the description of an interface of the daemon.")

  @Argument(help: "The interface.") var interface = "io.interruptsync"

  @OptionGroup var common: CommonOptions

  func run() throws {
    let reply = try RawConnection(common.address).call(
      "org.varlink.service.GetInterfaceDescription", ["interface": .string(interface)])
    if common.json { return common.show(reply) }
    Console.out(reply["description"]?.string ?? "")
  }
}
