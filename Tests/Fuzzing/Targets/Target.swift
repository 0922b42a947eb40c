// What is fuzzed: each target takes bytes that may be anything, and traps where a promise is broken. A crash, a
// sanitizer's finding, a failed `expect` or a run without an end is a find.
import Glibc

struct Target {
  let name: String
  let run: ([UInt8]) -> Void

  nonisolated(unsafe) static let all = [
    Target(name: "json", run: json), Target(name: "header", run: header),
    Target(name: "interface", run: interface), Target(name: "configuration", run: configuration),
    Target(name: "dropins", run: dropIns), Target(name: "arguments", run: arguments),
    Target(name: "transaction", run: transaction), Target(name: "recipe", run: recipe),
    Target(name: "state", run: state), Target(name: "ring", run: ring),
    Target(name: "sysfs", run: sysfs), Target(name: "calls", run: calls),
    Target(name: "planted", run: planted),
  ]

  /// A mistake that the fuzzer must find, or the tool proves nothing.
  private static func planted(_ bytes: [UInt8]) {
    if bytes.count > 3, bytes[0] == 0x7b, bytes[1] == 0x22, bytes[2] == 0x69, bytes[3] == 0x73 {
      fatalError("planted")
    }
  }

  /// A promise of the code under test.
  static func expect(_ isKept: Bool, _ promise: @autoclosure () -> String) {
    if !isKept { fatalError(promise()) }
  }

  /// The input as text; nil where it is none.
  static func text(_ bytes: [UInt8]) -> String? { String(validating: bytes, as: UTF8.self) }

  /// The input's parts, which a zero separates.
  static func parts(_ bytes: [UInt8]) -> [[UInt8]] {
    bytes.split(separator: 0, omittingEmptySubsequences: false).map(Array.init)
  }
}

/// A folder in memory, whose files the next input replaces. Tests/Fuzzing/run makes it and takes it away.
enum Scratch {
  static let root: String = {
    guard let folder = getenv("FUZZ_FOLDER") else { fatalError("FUZZ_FOLDER is not set") }
    return String(cString: folder)
  }()

  static func folder(_ path: String) {
    var made = root
    for part in path.split(separator: "/") {
      made += "/\(part)"
      mkdir(made, 0o755)
    }
  }

  static func write(_ path: String, _ bytes: [UInt8]) {
    let file = open("\(root)/\(path)", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard file >= 0 else { fatalError("cannot write \(path)") }
    _ = Glibc.write(file, bytes, bytes.count)
    close(file)
  }
}
