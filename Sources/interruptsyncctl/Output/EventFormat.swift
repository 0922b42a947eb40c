// Floor 7. How commands print what happens while they run: one line or one object for each event, each
// with its moment, written at once. watch and attach contain the option and print through it, on the
// program's one thread; no lock.
import ArgumentParser
import Varlink

/// The option --output of commands that print events.
struct EventOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case short
    case json
    case jsonPretty = "json-pretty"
  }

  @Option(
    name: .shortAndLong, help: "How to print: short, json (an object a line) or json-pretty.")
  var output: Format?

  @OptionGroup var common: CommonOptions

  var isJSON: Bool { (output ?? (common.json ? .json : .short)) != .short }

  func validate() throws {
    if common.json, output == .short { throw ValidationError("--json contradicts --output=short") }
  }

  /// One line, or one object, of something that happened.
  func show(_ line: String, _ object: JSONObject, _ moment: Moment) {
    guard isJSON else { return Console.out("\(moment.clock) \(line)") }
    var object = object
    object["time"] = .string(moment.text)
    Console.out(output == .jsonPretty ? PrettyJSON.text(.object(object)) : "\(object)")
  }
}
