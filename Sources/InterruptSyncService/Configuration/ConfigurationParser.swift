// Configuration room. The syntax of systemd.syntax(7): sections, assignments, comments and
// continued lines. ConfigurationSet calls it with the bytes of each file. Keys and values have no
// meaning here. Pure values: any thread, in practice the control thread; no lock.

/// Reads one file. It reports every fault and continues; `file` has what is valid.
struct ConfigurationParser {
  /// The size of the largest file that is read, in bytes.
  static let largestFile = 1 << 20
  /// The number of faults after which the rest of a file is not read.
  static let mostFaults = 100

  private(set) var file: ConfigurationFile
  private(set) var diagnostics: [Diagnostic] = []
  /// A line that continues in the next one.
  private var pending: LocatedText?
  /// After an invalid header: what follows belongs to no section.
  private var isSkipping = false

  /// Reads `bytes` as the file at `path`.
  init(_ bytes: [UInt8], path: String) {
    file = ConfigurationFile(path: path)
    guard bytes.count <= Self.largestFile else {
      report(SourcePosition(path: path), "the file is larger than \(Self.largestFile) bytes")
      return
    }
    let text = bytes.starts(with: [0xef, 0xbb, 0xbf]) ? bytes.dropFirst(3) : bytes[...]
    let lines = text.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard diagnostics.count < Self.mostFaults else {
        report(place(index + 1, 1), "too many errors; the rest of the file was not read")
        return
      }
      read(line, number: index + 1)
    }
    if let pending { statement(pending) }
  }

  private func place(_ line: Int, _ column: Int) -> SourcePosition {
    SourcePosition(path: file.path, line: line, column: column)
  }

  private mutating func report(_ position: SourcePosition, _ message: String, hint: String = "") {
    diagnostics.append(Diagnostic(position, message, hint: hint))
  }

  /// A line of the file. Comments are allowed between the parts of a continued line.
  private mutating func read(_ line: ArraySlice<UInt8>, number: Int) {
    let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
    guard isText(line, number) else { return }
    let content = line.drop(while: LocatedText.isBlank)
    if content.first == UInt8(ascii: "#") || content.first == UInt8(ascii: ";") { return }
    let start = place(number, content.startIndex - line.startIndex + 1)
    var logical = pending ?? LocatedText(at: start)
    pending = nil
    guard Self.endsInBackslash(content) else {
      logical.append(content, at: start)
      return statement(logical, lastLine: content, number)
    }
    logical.append(content.dropLast() + [UInt8(ascii: " ")], at: start)
    pending = logical
  }

  /// True for an odd number of backslashes: an even number is escaped backslashes.
  private static func endsInBackslash(_ bytes: ArraySlice<UInt8>) -> Bool {
    bytes.reversed().prefix { $0 == UInt8(ascii: "\\") }.count % 2 == 1
  }

  private mutating func isText(_ line: ArraySlice<UInt8>, _ number: Int) -> Bool {
    func column(_ index: Int) -> Int { LocatedText.scalars(line[..<index]) + 1 }
    if let index = line.firstIndex(where: { ($0 < 0x20 && $0 != 0x09) || $0 == 0x7f }) {
      let code = String(line[index], radix: 16)
      report(
        place(number, column(index)), "the line has the control character 0x\(code)",
        hint: "configuration is plain text; remove the character")
      return false
    }
    let bytes = Array(line)
    do throws(UTF8.ValidationError) { _ = try UTF8Span(validating: bytes.span) } catch {
      let index = line.startIndex + error.byteOffsets.lowerBound
      report(
        place(number, column(index)), "the line is not UTF-8", hint: "save the file as UTF-8")
      return false
    }
    return true
  }

  /// Reads a whole line whose last part is `lastLine`.
  private mutating func statement(
    _ logical: LocatedText, lastLine: ArraySlice<UInt8>, _ number: Int
  ) {
    let visible = lastLine.lastIndex { !LocatedText.isBlank($0) }.map { lastLine[...$0] } ?? []
    if visible.count < lastLine.count, Self.endsInBackslash(visible) {
      report(
        logical.position(at: logical.bytes.count - (lastLine.count - visible.count) - 1),
        "blanks follow the backslash, so the line does not continue",
        hint: "remove the blanks at the end of the line")
    } else {
      statement(logical)
    }
  }

  private mutating func statement(_ logical: LocatedText) {
    let text = logical.trimmed
    if text.bytes.first == UInt8(ascii: "[") { return header(text) }
    if !text.isEmpty { assignment(text) }
  }

  private mutating func header(_ text: LocatedText) {
    let name = String(text.string.dropFirst().prefix { $0 != "]" })
    isSkipping = true
    guard text.bytes.firstIndex(of: UInt8(ascii: "]")) == text.bytes.count - 1 else {
      report(
        text.position, "the section header \(text.string) is malformed",
        hint: "write [Name] and nothing after it")
      return
    }
    isSkipping = false
    file.sections.append(ConfigurationFile.Section(name: name, position: text.position))
  }

  private mutating func assignment(_ text: LocatedText) {
    if isSkipping { return }
    guard let equals = text.bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
      report(
        text.position, "neither a section header nor an assignment",
        hint: "write Key=value, or begin a comment with #")
      return
    }
    let key = text[0..<equals].trimmed.string
    guard !file.sections.isEmpty else {
      report(
        text.position, "\(key)= comes before the first section",
        hint: "write the section that it belongs to, for instance [Device], above it")
      return
    }
    let assignment = ConfigurationFile.Assignment(
      key: key, position: text.position, value: text[equals + 1..<text.bytes.count].trimmed)
    file.sections[file.sections.count - 1].assignments.append(assignment)
  }
}

/// One file as it was written: not merged, and without meaning.
struct ConfigurationFile: Equatable, Sendable {
  /// `[Name]` and its assignments.
  struct Section: Equatable, Sendable {
    let name: String
    let position: SourcePosition
    var assignments: [Assignment] = []
  }

  /// `Key=value`.
  struct Assignment: Equatable, Sendable {
    let key: String
    let position: SourcePosition
    /// Without blanks around it; empty resets the key.
    let value: LocatedText
  }

  let path: String
  var sections: [Section] = []
}
