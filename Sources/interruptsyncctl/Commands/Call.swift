import ArgumentParser
import InterruptSyncClient
import UIO
import Varlink

struct Call: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Calls a method of the daemon's interface as it is.")

  @Argument(help: "A method, with its interface's name or without.") var method: String

  @Argument(help: "Its parameters, a JSON object.") var parameters = "{}"

  @Flag(help: "Take any number of replies, a line each.") var more = false

  @OptionGroup var common: CommonOptions

  private func object() throws(JSONError) -> JSONObject? { try JSONParser.parse(parameters).object }

  func validate() throws {
    let object: JSONObject?
    do throws(JSONError) { object = try self.object() } catch {
      throw ValidationError("the parameters are not JSON: \(error)")
    }
    if object == nil { throw ValidationError("the parameters are not a JSON object") }
  }

  func run() throws {
    let name = method.contains(".") ? method : "io.interruptsync.\(method)"
    let connection = try RawConnection(common.address)
    let parameters = try object() ?? [:]
    guard more else { return common.show(try connection.call(name, parameters)) }
    try connection.stream(name, parameters) { common.showLine($0) }
  }
}

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
