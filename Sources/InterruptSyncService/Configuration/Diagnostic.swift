// Configuration room. The faults of a configuration: their place, their message, and a hint; and
// the guess at the word that was meant. Every reader of this room makes them; `main`, Service and
// ClientError show them. Plain values, on the control thread; no lock.
import UIO

/// A place in a configuration file, or an argument of the command line.
package struct SourcePosition: Equatable, Sendable, CustomStringConvertible {
  /// The file, or the argument: `argument 2 (--mode)`.
  package let path: String
  /// From 1; 0 means the file or argument as a whole.
  package let line: Int
  /// From 1, in Unicode scalars.
  package let column: Int

  package init(path: String, line: Int = 0, column: Int = 0) {
    self.path = path
    self.line = line
    self.column = column
  }

  /// `path:line:column`, or the path alone.
  package var description: String { line == 0 ? path : "\(path):\(line):\(column)" }
}

/// One fault of the configuration: where, what, and what to do about it.
package struct Diagnostic: Error, Equatable, CustomStringConvertible {
  package let position: SourcePosition
  package let message: String
  /// Empty if there is nothing to say.
  package let hint: String
  /// Why the file was not read; 0 if what it says is invalid.
  package let errno: Int32

  package init(
    _ position: SourcePosition, _ message: String, hint: String = "", errno: Int32 = 0
  ) {
    self.position = position
    self.message = message
    self.hint = hint
    self.errno = errno
  }

  /// `path:line:column: error: message`, and the hint on a line of its own.
  package var description: String {
    "\(position): error: \(message)" + (hint.isEmpty ? "" : "\n  hint: \(hint)")
  }
}

/// Everything that is wrong with a configuration, at once.
package struct ConfigurationError: Error, Equatable, Sendable, CustomStringConvertible {
  /// In the order in which the files were read, and of the lines in each.
  package let diagnostics: [Diagnostic]

  init(_ found: [Diagnostic]) {
    var order: [String: Int] = [:]
    for diagnostic in found where order[diagnostic.position.path] == nil {
      order[diagnostic.position.path] = order.count
    }
    diagnostics = found.sorted { left, right in
      let (first, second) = (left.position, right.position)
      return (order[first.path] ?? 0, first.line, first.column)
        < (order[second.path] ?? 0, second.line, second.column)
    }
  }

  package var description: String { diagnostics.map(\.description).joined(separator: "\n") }

  /// Some of it was not read, which may succeed the next time.
  package var isUnread: Bool { diagnostics.contains { $0.errno != 0 } }

  /// EX_CONFIG of sysexits.h for what the files say: they say it after a restart too. EX_IOERR if one
  /// of them was not read.
  package var exitStatus: Int32 { isUnread ? 74 : 78 }
}

/// Why a value is not valid. The reader of its section knows the position and makes a `Diagnostic`.
struct ValueFault: Error, Equatable {
  let message: String
  let hint: String

  init(_ message: String, hint: String = "") {
    self.message = message
    self.hint = hint
  }

  init(_ error: UIOError) { self.init("\(error.device): \(error.cause)", hint: error.hint) }
}

/// The word that a mistyped one may have meant.
enum Suggestion {
  /// A hint that names the nearest of `words`, or all of them if none is near and they are few.
  static func hint(for text: String, among words: some Collection<String>, suffix: String = "")
    -> String
  {
    let near = words.map { (word: $0, distance: distance(text.lowercased(), $0.lowercased())) }
      .min { ($0.distance, $0.word) < ($1.distance, $1.word) }
    if let near, near.distance <= max(1, near.word.count / 3) {
      return "did you mean \(near.word)\(suffix)?"
    }
    if words.count > 8 { return "the manual page lists the valid ones" }
    let list = words.sorted().map { $0 + suffix }
    guard let last = list.last, list.count > 1 else { return "write \(list.first ?? "nothing")" }
    return "write \(list.dropLast().joined(separator: ", ")) or \(last)"
  }

  /// The number of insertions, deletions and replacements that turn one text into the other. Long
  /// texts are far from everything.
  static func distance(_ first: String, _ second: String) -> Int {
    let (first, second) = (Array(first.unicodeScalars), Array(second.unicodeScalars))
    guard first.count <= 64, second.count <= 64 else { return .max }
    var row = Array(0...second.count)
    for (i, left) in first.enumerated() {
      var diagonal = row[0]
      row[0] = i + 1
      for (j, right) in second.enumerated() {
        let replaced = diagonal + (left == right ? 0 : 1)
        diagonal = row[j + 1]
        row[j + 1] = min(replaced, row[j] + 1, diagonal + 1)
      }
    }
    return row[second.count]
  }
}
