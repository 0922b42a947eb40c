// interruptsyncctl as its package installs it.
import Glibc
import Varlink

enum Control {
  /// What it prints; a failure unless it ends with 0.
  @discardableResult
  static func run(_ arguments: String) throws -> String {
    try Guest.shell("interruptsyncctl \(arguments)")
  }

  /// What it prints when it ends with `status` and says each of `words`.
  @discardableResult
  static func fail(
    _ arguments: String, status: Int32 = 1, _ words: [String], line: Int = #line
  ) throws -> String {
    let result = try Guest.run("interruptsyncctl \(arguments)")
    try expectEqual(
      result.status, status, "exit status of \(arguments): \(result.text)", line: line)
    for word in words {
      try expect(result.text.contains(word), "\(arguments): \(result.text)", line: line)
    }
    return result.text
  }

  /// Its answer with --json.
  static func json(_ arguments: String) throws -> JSONObject {
    try object(try run(arguments + " --json"))
  }

  static func object(_ text: String) throws -> JSONObject {
    guard let object = try JSONParser.parse(text).object else {
      throw Failure(description: "no object: \(text)")
    }
    return object
  }

  /// It goes on in the background, for a minute at most.
  static func start(_ arguments: String) throws -> Program {
    try Program(["-c", "exec timeout 60 interruptsyncctl \(arguments)"], program: "/bin/sh")
  }
}
