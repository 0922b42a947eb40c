// Floor 5. Reads an interface's description: a scanner for words, marks and comments, and the
// parser of the grammar above it. InterfaceDescription calls it, on the thread that makes the
// description: the control thread when the daemon starts, a client's when it asks for one. No lock;
// depth and size are bounded, as the text may be a stranger's.

/// Reads the interface language.
struct InterfaceParser {
  private var scanner: InterfaceScanner
  private let dialect: InterfaceDescription.Dialect
  private var interface = "interface description"
  /// Types that something refers to, with the place of the reference.
  private var references: [(name: String, offset: Int)] = []
  private var depth = 0
  private static let deepest = 32

  init(_ text: String, dialect: InterfaceDescription.Dialect) {
    scanner = InterfaceScanner(text)
    self.dialect = dialect
  }

  mutating func parse() throws(VarlinkError) -> (
    name: String, documentation: String, members: [InterfaceMember]
  ) {
    let documentation = scanner.documentation()
    guard scanner.word() == "interface" else { throw error("does not begin with \"interface\"") }
    let name = scanner.word(with: ".-")
    guard Self.isInterfaceName(name) else { throw error("not an interface's name: \"\(name)\"") }
    interface = name
    var members: [InterfaceMember] = []
    var names: Set<String> = []
    while !scanner.isAtEnd() {
      let member = try member()
      guard names.insert(member.name).inserted else {
        throw error("\(member.name) is declared twice")
      }
      members.append(member)
    }
    for (name, offset) in references {
      let isType = members.contains {
        if case .type = $0.kind { $0.name == name } else { false }
      }
      guard isType else { throw error("there is no type \(name)", at: offset) }
    }
    return (name, documentation, members)
  }

  private func error(_ cause: String, at offset: Int? = nil) -> VarlinkError {
    let place = scanner.place(of: offset ?? scanner.position)
    return VarlinkError(
      .invalidDescription, object: interface, operation: "read an interface's description",
      cause: "line \(place.line), column \(place.column): \(cause)",
      hint: "correct the description there")
  }

  private mutating func member() throws(VarlinkError) -> InterfaceMember {
    let documentation = scanner.documentation()
    let keyword = scanner.word()
    guard ["type", "method", "error"].contains(keyword) else {
      throw error("not \"type\", \"method\" or \"error\": \"\(keyword)\"")
    }
    let name = scanner.word()
    guard Self.isMemberName(name) else { throw error("not the name of a \(keyword): \"\(name)\"") }
    let kind: InterfaceMember.Kind
    switch keyword {
    case "type": kind = .type(try braced())
    case "method":
      let input = try fields("a method's input")
      guard scanner.take("->") else { throw error("no \"->\" after a method's input") }
      kind = .method(input: input, output: try fields("a method's output"))
    default: kind = .error(try fields("an error"))
    }
    return InterfaceMember(name: name, kind: kind, documentation: documentation)
  }

  private mutating func fields(_ what: String) throws(VarlinkError) -> [Field] {
    guard case .structure(let fields) = try braced() else {
      throw error("\(what) is a list of fields, not an enumeration")
    }
    return fields
  }

  /// `(a: T, …)` or `(a, …)`.
  private mutating func braced() throws(VarlinkError) -> FieldType {
    guard scanner.take("(") else { throw error("no \"(\"") }
    return try opened()
  }

  /// The same behind its `(`.
  private mutating func opened() throws(VarlinkError) -> FieldType {
    if scanner.take(")") { return .structure([]) }
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else { throw error("nested too deeply") }
    var fields: [Field] = []
    var values: [String] = []
    var names: Set<String> = []
    repeat {
      let documentation = scanner.documentation()
      let name = scanner.word()
      guard Self.isFieldName(name) else { throw error("not a field's name: \"\(name)\"") }
      guard names.insert(name).inserted else { throw error("\(name) is declared twice") }
      if scanner.take(":") {
        fields.append(Field(name, try type(), documentation: documentation))
      } else {
        values.append(name)
      }
    } while scanner.take(",")
    guard scanner.take(")") else { throw error("no \")\"") }
    guard fields.isEmpty || values.isEmpty else { throw error("a field without a type") }
    return values.isEmpty ? .structure(fields) : .enumeration(values)
  }

  private mutating func type() throws(VarlinkError) -> FieldType {
    guard scanner.take("?") else { return try element() }
    return .nullable(try element())
  }

  private mutating func element() throws(VarlinkError) -> FieldType {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Self.deepest else { throw error("nested too deeply") }
    if scanner.take("[]") { return .array(try contained()) }
    if scanner.take("[string]") {
      let value = try contained()
      guard dialect == .whole || value != .structure([]) else {
        throw error("varlinkctl does not read [string](); use an array of strings")
      }
      return .map(value)
    }
    return try simple()
  }

  private mutating func contained() throws(VarlinkError) -> FieldType {
    let type = try type()
    if dialect == .common, case .nullable = type {
      throw error("varlinkctl does not read nullable elements")
    }
    return type
  }

  private mutating func simple() throws(VarlinkError) -> FieldType {
    scanner.skipSpace()
    let offset = scanner.position
    if scanner.take("(") { return try opened() }
    let word = scanner.word()
    switch word {
    case "bool": return .bool
    case "int": return .int
    case "float": return .float
    case "string": return .string
    case "object": return .object
    case "any": throw error("\"any\" is not in the language; use \"object\"", at: offset)
    default:
      guard Self.isMemberName(word) else { throw error("not a type: \"\(word)\"", at: offset) }
      references.append((word, offset))
      return .named(word)
    }
  }
}

// MARK: Names

extension InterfaceParser {
  /// `com.example.my-thing`: two parts at least, a letter first, no hyphen at a part's edge.
  static func isInterfaceName(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    let hyphen = UInt8(ascii: "-")
    return parts.count >= 2 && name.utf8.first.map(isLetter) == true
      && parts.allSatisfy { part in
        !part.isEmpty && part.first != hyphen && part.last != hyphen
          && part.allSatisfy { InterfaceScanner.isAlphanumeric($0) || $0 == hyphen }
      }
  }

  /// Types, methods and errors: a capital, then letters and digits.
  static func isMemberName(_ name: String) -> Bool {
    guard let first = name.utf8.first, isLetter(first), first < UInt8(ascii: "a") else {
      return false
    }
    return name.utf8.allSatisfy(InterfaceScanner.isAlphanumeric)
  }

  /// Fields and values: a letter, then letters, digits and single underscores, none at the end.
  static func isFieldName(_ name: String) -> Bool {
    let parts = name.utf8.split(separator: UInt8(ascii: "_"), omittingEmptySubsequences: false)
    return name.utf8.first.map(isLetter) == true
      && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(InterfaceScanner.isAlphanumeric) }
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    InterfaceScanner.isAlphanumeric(byte) && byte > UInt8(ascii: "9")
  }
}

// MARK: Scanning

/// Walks over a description's text; keeps comments for the member that follows them.
struct InterfaceScanner {
  private let bytes: [UInt8]
  /// Bytes before the next character.
  private(set) var position = 0
  /// Lines of comments since the last word or mark.
  private var comments: [String] = []
  /// Whether the line has a word or mark already: a comment after it documents nothing.
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
    let isNext = mark.withUTF8Buffer { unsafe bytes[position...].starts(with: $0) }
    guard isNext else { return false }
    use(mark.utf8CodeUnitCount)
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

  /// Line and column of what follows so many bytes, counted from 1. It looks at all of them.
  func place(of offset: Int) -> (line: Int, column: Int) {
    let before = bytes[..<offset]
    let line = before.reduce(1) { $0 + ($1 == 0x0a ? 1 : 0) }
    let start = before.lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    return (line, offset - start + 1)
  }
}
