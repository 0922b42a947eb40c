// Lists: quotes and escapes.
import Testing

@testable import InterruptSyncService

private func value(_ text: String) throws -> LocatedText {
  let parser = ConfigurationParser(Array("[A]\nk=\(text)\n".utf8), path: "f")
  return try #require(parser.file.sections.first?.assignments.first).value
}

@Test(arguments: [
  ("a b", ["a", "b"]), ("a\t \tb", ["a", "b"]), ("\"a b\" c", ["a b", "c"]), ("'a b'", ["a b"]),
  ("\"\"", [""]), ("''  \"\"", ["", ""]), ("\"it's\" 'say \"x\"'", ["it's", "say \"x\""]),
  ("a\"b", ["a\"b"]), ("it's", ["it's"]), ("\\x41\\102\\u0043\\U00000044", ["ABCD"]),
  ("\"a\\tb\\nc\\sd\"", ["a\tb\nc d"]), ("a\\sb", ["a b"]), ("\\\\ \\\" \\'", ["\\", "\"", "'"]),
  ("\\a\\b\\f\\r\\v", ["\u{7}\u{8}\u{c}\r\u{b}"]), ("\\u00e9", ["é"]), ("é\\xe9", ["éé"]),
])
func wordsAreUnquotedAndUnescaped(text: String, expected: [String]) throws {
  #expect(try value(text).items().map(\.text) == expected)
}

@Test(arguments: [
  ("a \"b", "f:2:5: error: the quote is not closed"),
  ("'a\\'", "f:2:3: error: the quote is not closed"),
  ("\"a\"b", "f:2:6: error: text follows the closing quote"),
  ("a \\q", "f:2:5: error: unknown escape sequence"),
  ("\\x4", "f:2:3: error: unknown escape sequence"),
  ("\\xg0", "f:2:3: error: unknown escape sequence"),
  ("\\x+1", "f:2:3: error: unknown escape sequence"),
  ("\\x00", "f:2:3: error: unknown escape sequence"),
  ("\\000", "f:2:3: error: unknown escape sequence"),
  ("\\ud800", "f:2:3: error: unknown escape sequence"),
  ("\\U00110000", "f:2:3: error: unknown escape sequence"),
  ("\\899", "f:2:3: error: unknown escape sequence"),
])
func wordsThatCannotBeReadAreToldWithTheirPlace(text: String, fault: String) throws {
  let list = try value(text)
  let error = try #require(throws: Diagnostic.self) { _ = try list.items() }
  #expect(error.description.hasPrefix(fault), "\(error)")
}
