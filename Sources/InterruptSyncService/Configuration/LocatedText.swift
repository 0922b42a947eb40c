// Configuration room. Text that knows the position of each of its characters: a value that
// continues over several lines is one text with a position in each line. Also the items of a list:
// separated by blanks, quoted if they contain blanks, with the escapes of systemd.syntax(7).
// ConfigurationParser and DeviceFile make it, ConfigurationValue reads it. Pure values, on the
// control thread; no lock.

/// Valid UTF-8 with positions.
struct LocatedText: Equatable, Sendable {
  private struct Mark: Equatable {
    var offset: Int
    let position: SourcePosition
  }

  private(set) var bytes: [UInt8] = []
  /// In order of their offsets, the first at 0.
  private var marks: [Mark]

  /// An empty text at `position`.
  init(at position: SourcePosition) { marks = [Mark(offset: 0, position: position)] }

  var string: String { String(decoding: bytes, as: UTF8.self) }
  var isEmpty: Bool { bytes.isEmpty }
  /// Where it begins.
  var position: SourcePosition { marks[0].position }

  /// Adds text that was written at `position`.
  mutating func append(_ more: some Collection<UInt8>, at position: SourcePosition) {
    let mark = Mark(offset: bytes.count, position: position)
    if bytes.isEmpty { marks = [mark] } else { marks.append(mark) }
    bytes += more
  }

  /// The position of the byte at `offset`, which may be the end.
  func position(at offset: Int) -> SourcePosition {
    let mark = marks.last { $0.offset <= offset } ?? marks[0]
    let passed = Self.scalars(bytes[mark.offset..<offset])
    return SourcePosition(
      path: mark.position.path, line: mark.position.line, column: mark.position.column + passed)
  }

  /// The text in `range`, with its positions.
  subscript(range: Range<Int>) -> LocatedText {
    var part = LocatedText(at: position(at: range.lowerBound))
    part.bytes = Array(bytes[range])
    for var mark in marks where range.contains(mark.offset) && mark.offset > range.lowerBound {
      mark.offset -= range.lowerBound
      part.marks.append(mark)
    }
    return part
  }

  /// Without blanks at both ends.
  var trimmed: LocatedText {
    guard let first = bytes.firstIndex(where: { !Self.isBlank($0) }),
      let last = bytes.lastIndex(where: { !Self.isBlank($0) })
    else { return self[bytes.count..<bytes.count] }
    return self[first..<last + 1]
  }

  /// Space and tab.
  static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

  /// The number of scalars that begin in `bytes`.
  static func scalars(_ bytes: some Collection<UInt8>) -> Int {
    bytes.count { $0 & 0xc0 != 0x80 }
  }
}

extension LocatedText {
  /// The items of a list.
  /// - Throws: what is wrong with the quoting, and where.
  func items() throws(Diagnostic) -> [ListItem] {
    var splitter = ListSplitter(self)
    var items: [ListItem] = []
    while let item = try splitter.next() { items.append(item) }
    return items
  }
}

/// Splits a list into its items.
private struct ListSplitter {
  private let text: LocatedText
  private var index = 0

  init(_ text: LocatedText) { self.text = text }

  private var current: UInt8? { index < text.bytes.count ? text.bytes[index] : nil }

  mutating func next() throws(Diagnostic) -> ListItem? {
    while let byte = current, LocatedText.isBlank(byte) { index += 1 }
    guard let first = current else { return nil }
    let start = index
    let quote = first == UInt8(ascii: "\"") || first == UInt8(ascii: "'") ? first : nil
    if quote != nil { index += 1 }
    var bytes: [UInt8] = []
    while let byte = current {
      if let quote, byte == quote {
        index += 1
        try requireEnd(start)
        return item(bytes, start)
      }
      if quote == nil, LocatedText.isBlank(byte) { return item(bytes, start) }
      if byte == UInt8(ascii: "\\") {
        bytes += try escape()
      } else {
        bytes.append(byte)
        index += 1
      }
    }
    guard quote == nil else {
      throw Diagnostic(
        text.position(at: start), "the quote is not closed",
        hint: "close it, or write \\\" for a literal quote")
    }
    return item(bytes, start)
  }

  private func item(_ bytes: [UInt8], _ start: Int) -> ListItem {
    ListItem(text: String(decoding: bytes, as: UTF8.self), position: text.position(at: start))
  }

  private func requireEnd(_ start: Int) throws(Diagnostic) {
    guard let byte = current, !LocatedText.isBlank(byte) else { return }
    throw Diagnostic(
      text.position(at: index), "text follows the closing quote",
      hint: "put a blank after the quote, or quote the whole item")
  }

  private static let simple: [UInt8: UInt8] = [
    UInt8(ascii: "a"): 7, UInt8(ascii: "b"): 8, UInt8(ascii: "f"): 12, UInt8(ascii: "n"): 10,
    UInt8(ascii: "r"): 13, UInt8(ascii: "t"): 9, UInt8(ascii: "v"): 11, UInt8(ascii: "s"): 32,
    UInt8(ascii: "\\"): 0x5c, UInt8(ascii: "\""): 0x22, UInt8(ascii: "'"): 0x27,
  ]

  /// `\n` and its like, `\xHH`, `\NNN` (octal), `\uHHHH`, `\UHHHHHHHH`: one character each.
  private mutating func escape() throws(Diagnostic) -> [UInt8] {
    let start = index
    index += 1
    let letter = current
    if let letter, let value = Self.simple[letter] {
      index += 1
      return [value]
    }
    let code: UInt32?
    switch letter {
    case UInt8(ascii: "x"): code = digits(after: 1, count: 2, radix: 16)
    case UInt8(ascii: "u"): code = digits(after: 1, count: 4, radix: 16)
    case UInt8(ascii: "U"): code = digits(after: 1, count: 8, radix: 16)
    default: code = digits(after: 0, count: 3, radix: 8)
    }
    guard let code, code != 0, let scalar = Unicode.Scalar(code) else {
      throw Diagnostic(
        text.position(at: start), "unknown escape sequence",
        hint: "write \\\\ for a backslash; escapes are \\n \\t \\s \\xHH \\uHHHH and similar")
    }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func digits(after skipped: Int, count: Int, radix: Int) -> UInt32? {
    let first = index + skipped
    guard first + count <= text.bytes.count else { return nil }
    let digits = text.bytes[first..<first + count]
    guard digits.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit }) else { return nil }
    index = first + count
    return UInt32(String(decoding: digits, as: UTF8.self), radix: radix)
  }
}

/// One item of a list, unquoted.
struct ListItem: Equatable, Sendable {
  var text: String
  /// Where the item begins, including its quote.
  let position: SourcePosition
}
