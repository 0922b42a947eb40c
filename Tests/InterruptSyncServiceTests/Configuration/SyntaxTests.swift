// systemd.syntax(7), line by line.
import Testing

@testable import InterruptSyncService

private func parse(_ text: String) -> ConfigurationParser {
  ConfigurationParser(Array(text.utf8), path: "f")
}

/// `[Section]` and `key=value` of what was read.
private func contents(_ parser: ConfigurationParser) -> [String] {
  parser.file.sections.flatMap { section in
    ["[\(section.name)]"] + section.assignments.map { "\($0.key)=\($0.value.string)" }
  }
}

private func faults(_ parser: ConfigurationParser) -> [String] {
  parser.diagnostics.map { "\($0.position): \($0.message)" }
}

@Test(arguments: [
  ("", []),
  ("\n\n  \t\n", []),
  ("[A]\nk=v\n", ["[A]", "k=v"]),
  ("[A]\nk=v", ["[A]", "k=v"]),
  ("  [A]  \n\t k \t=  v w \t\n", ["[A]", "k=v w"]),
  ("# c\n; c\n  # c\n[A]\n", ["[A]"]),
  ("[A]\nk=v # no comment\n", ["[A]", "k=v # no comment"]),
  ("[A]\nk=a=b\n", ["[A]", "k=a=b"]),
  ("[A]\nk=\nk=  \n", ["[A]", "k=", "k="]),
  ("[A]\nk=1\n[B]\n[A]\nk=2\n", ["[A]", "k=1", "[B]", "[A]", "k=2"]),
  ("[A]\r\nk=v\r\n", ["[A]", "k=v"]),
  ("\u{feff}[A]\nk=é\n", ["[A]", "k=é"]),
  ("[A]\nk=a\\\nb\n", ["[A]", "k=a b"]),
  ("[A]\nk=a\\\n   b \\\nc\n", ["[A]", "k=a b  c"]),
  ("[A]\nk=a\\\n# between\n; and\nb\n", ["[A]", "k=a b"]),
  ("[A]\nk=a\\\n\nl=b\n", ["[A]", "k=a", "l=b"]),
  ("[A]\nk=a\\\r\nb\r\n", ["[A]", "k=a b"]),
  ("[A]\nk=a\\\\\nl=b\n", ["[A]", "k=a\\\\", "l=b"]),
  ("[A]\nk=a\\", ["[A]", "k=a"]),
  ("[A\\\nB]\nk=v", ["[A B]", "k=v"]),
])
func syntaxIsReadAsInSystemdSyntax(text: String, expected: [String]) {
  let parser = parse(text)
  #expect(contents(parser) == expected)
  #expect(parser.diagnostics.isEmpty, "\(parser.diagnostics)")
}

@Test(arguments: [
  ("k=v\n", "f:1:1: k= comes before the first section"),
  ("[A]\nword\n", "f:2:1: neither a section header nor an assignment"),
  ("[A]\n  =v\n", "f:2:3: neither a section header nor an assignment"),
  ("[A\nk=v\n", "f:1:1: the section header [A is malformed"),
  ("\n  [A] x\n", "f:2:3: the section header [A] x is malformed"),
  ("[A]]\n", "f:1:1: the section header [A]] is malformed"),
  ("[A]\nk=v\0\n", "f:2:4: the line has the control character 0x0"),
  ("[A]\nké=\u{1b}[m\n", "f:2:4: the line has the control character 0x1b"),
  ("[A]\nk=a\rb\n", "f:2:4: the line has the control character 0xd"),
  (
    "[A]\nk=v\\ \nw\n", "f:2:4: blanks follow the backslash, so the line does not continue"
  ),
  (
    "[A]\nk=é\\\t\r\n", "f:2:4: blanks follow the backslash, so the line does not continue"
  ),
])
func syntaxFaultsAreToldWithTheirPlace(text: String, fault: String) {
  #expect(faults(parse(text)).first == fault)
}

@Test func syntaxTextThatIsNotUTF8IsToldWithItsColumn() {
  let good = Array("[A]\nk=é".utf8)
  for bad: [UInt8] in [
    [0xff], [0xc3], [0xed, 0xa0, 0x80], [0xc0, 0x80], [0xf5, 0x80, 0x80, 0x80],
  ] {
    let parser = ConfigurationParser(good + bad + Array("\nl=v\n".utf8), path: "f")
    #expect(faults(parser) == ["f:2:4: the line is not UTF-8"])
    #expect(contents(parser) == ["[A]", "l=v"])
  }
}

@Test func syntaxFaultsDoNotHideOneAnother() {
  let parser = parse("x=1\n[A\ny=2\n[B]\nword\nk=v\n\u{1}\n")
  #expect(
    faults(parser) == [
      "f:1:1: x= comes before the first section",
      "f:2:1: the section header [A is malformed",
      "f:5:1: neither a section header nor an assignment",
      "f:7:1: the line has the control character 0x1",
    ])
  #expect(contents(parser) == ["[B]", "k=v"])
}

@Test func syntaxOfAFileThatIsAllWrongEndsAfterAHundredFaults() throws {
  let parser = parse("[A]\n" + String(repeating: "word\n", count: 10_000))
  #expect(parser.diagnostics.count == ConfigurationParser.mostFaults + 1)
  #expect(try #require(parser.diagnostics.last).message.contains("too many errors"))
}

@Test func syntaxOfAFileThatIsTooLargeIsRefused() {
  let line = Array("# 45678\n".utf8)
  let largest = Array([[UInt8]](repeating: line, count: (1 << 20) / line.count).joined())
  #expect(ConfigurationParser(largest, path: "f").diagnostics.isEmpty)
  let parser = ConfigurationParser(largest + [0x0a], path: "f")
  #expect(faults(parser) == ["f: the file is larger than 1048576 bytes"])
}

@Test func syntaxKeepsThePlaceOfEachPartOfAContinuedValue() throws {
  let parser = parse("[A]\n  key = é one \\\n # c\n\ttwo\\\n three\n")
  let value = try #require(parser.file.sections.first?.assignments.first).value
  let items = try value.items()
  #expect(items.map(\.text) == ["é", "one", "two", "three"])
  #expect(items.map(\.position.description) == ["f:2:9", "f:2:11", "f:4:2", "f:5:2"])
}
