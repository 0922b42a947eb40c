/// Walks over a description's text; comments on the way are kept for what comes behind them.
struct InterfaceScanner {
  private let bytes: [UInt8]
  private var position = 0
  /// Lines of comments since the last word or mark.
  private var comments: [String] = []
  /// Whether the line has a word or mark already: a comment behind it is nobody's documentation.
  private var isLineUsed = false

  init(_ text: String) { bytes = Array(text.utf8) }

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  /// Whether only space and comments are left.
  mutating func isAtEnd() -> Bool {
    skipSpace()
    return peek == nil
  }

  /// The comment that stands directly in front of what comes next. An empty line parts them.
  mutating func documentation() -> String {
    skipSpace()
    defer { comments = [] }
    return comments.joined(separator: "\n")
  }

  mutating func skipSpace() {
    var newlines = 0
    while let byte = peek {
      switch byte {
      case 0x20, 0x09, 0x0d: position += 1
      case 0x0a:
        position += 1
        newlines += 1
        isLineUsed = false
        if newlines > 1 { comments = [] }
      case UInt8(ascii: "#"):
        comment()
        newlines = 0
      default: return
      }
    }
  }

  private mutating func comment() {
    position += 1
    let start = position
    while let byte = peek, byte != 0x0a { position += 1 }
    guard !isLineUsed else { return }
    var line = bytes[start..<position]
    if line.last == 0x0d { line.removeLast() }
    if line.first == 0x20 { line.removeFirst() }
    comments.append(String(decoding: line, as: UTF8.self))
  }

  /// Takes a mark such as `->` if it comes next.
  mutating func take(_ mark: StaticString) -> Bool {
    skipSpace()
    let wanted = Array("\(mark)".utf8)
    guard bytes[position...].starts(with: wanted) else { return false }
    use(wanted.count)
    return true
  }

  /// A run of letters, digits and the other characters given; empty when there is none.
  mutating func word(with others: String = "_") -> String {
    skipSpace()
    var end = position
    while end < bytes.count, Self.isAlphanumeric(bytes[end]) || others.utf8.contains(bytes[end]) {
      end += 1
    }
    let word = String(decoding: bytes[position..<end], as: UTF8.self)
    use(end - position)
    return word
  }

  private mutating func use(_ count: Int) {
    position += count
    if count > 0 {
      isLineUsed = true
      comments = []
    }
  }

  static func isAlphanumeric(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: false
    }
  }

  /// Where it stands, counted from 1.
  var place: (line: Int, column: Int) {
    let before = bytes[..<position]
    let line = before.reduce(1) { $0 + ($1 == 0x0a ? 1 : 0) }
    let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return (line, position - start + 1)
  }
}
