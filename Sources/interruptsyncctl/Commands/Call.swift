import ArgumentParser
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
