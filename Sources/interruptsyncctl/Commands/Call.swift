// Floor 7. call and introspect: the daemon's Varlink interface as it is, without this program's
// types. Control.swift runs them. On the program's one thread; no lock.
import ArgumentParser
import InterruptSyncClient
import Varlink

struct Call: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Calls a method of the daemon's Varlink interface.")

  @Argument(help: "A method, with or without its interface's name.") var method: String

  @Argument(help: "Its parameters, as a JSON object.") var parameters = "{}"

  @Flag(help: "Accept any number of replies, and print each as a line.") var more = false

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
    let connection = try RawConnection(common)
    let parameters = try object() ?? [:]
    guard more else { return common.show(try connection.call(name, parameters)) }
    try connection.stream(name, parameters) { common.showLine($0) }
  }
}

struct Introspect: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Prints the description of a Varlink interface of the daemon.")

  @Argument(help: "The interface.") var interface = "io.interruptsync"

  @OptionGroup var common: CommonOptions

  func run() throws {
    let reply = try RawConnection(common).call(
      "org.varlink.service.GetInterfaceDescription", ["interface": .string(interface)])
    if common.json { return common.show(reply) }
    Console.out(reply["description"]?.string ?? "")
  }
}

/// Untyped calls whose errors read like those of every other command.
private struct RawConnection {
  private let client: VarlinkClient
  private let address: String

  init(_ common: CommonOptions) throws(InterruptSyncClientError) {
    let connection = try common.client()
    client = connection.varlink
    address = connection.address
  }

  func call(
    _ method: String, _ parameters: JSONObject
  ) throws(InterruptSyncClientError) -> JSONObject {
    do throws(VarlinkError) { return try client.call(method, parameters).parameters } catch {
      throw failure(error, method, parameters)
    }
  }

  func stream(
    _ method: String, _ parameters: JSONObject, _ body: (JSONObject) -> Void
  ) throws(InterruptSyncClientError) {
    do throws(VarlinkError) {
      var replies = try client.stream(method, parameters)
      while let reply = try replies.next(timeout: .seconds(1_000_000)) { body(reply.parameters) }
    } catch {
      throw failure(error, method, parameters)
    }
  }

  /// The daemon may not know a name because it is older. A name that a person typed is misspelled.
  private func failure(
    _ error: VarlinkError, _ method: String, _ parameters: JSONObject
  ) -> InterruptSyncClientError {
    let failure = InterruptSyncClientError(error, object: address, operation: method)
    guard failure.code == .unsupported || failure.code == .invalidArgument,
      let reply = error.reply
    else { return failure }
    let asked = parameters["interface"]?.string
    let interface = method.split(separator: ".").dropLast().joined(separator: ".")
    let (cause, hint) =
      switch reply.name {
      case "org.varlink.service.InterfaceNotFound":
        (
          "the daemon has no interface \(asked ?? interface)",
          "interruptsyncctl call org.varlink.service.GetInfo lists the interfaces"
        )
      case "org.varlink.service.InvalidParameter":
        (failure.cause, "interruptsyncctl introspect \(interface) shows the parameters")
      default:
        (
          "the interface \(interface) has no such method",
          "interruptsyncctl introspect \(interface) shows the methods"
        )
      }
    return InterruptSyncClientError(
      failure.code, object: address, operation: method, cause: cause, hint: hint)
  }
}
