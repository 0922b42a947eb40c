// Time spans, sizes, switches and suggestions.
import LinuxSystem
import Testing

@testable import InterruptSyncService

@Test(
  arguments: [
    ("0", 0), ("5", 5_000_000_000), ("5s", 5_000_000_000), ("5 sec", 5_000_000_000),
    ("1min 30s", 90_000_000_000), ("1min30s", 90_000_000_000), ("2h", 7_200_000_000_000),
    ("50us", 50_000), ("50µs", 50_000), ("50μs", 50_000), ("50usec", 50_000), ("7ns", 7),
    ("1.5ms", 1_500_000), ("0.000001s", 1000), ("0.5ns", 0), ("1d", 86_400_000_000_000),
    ("1w 1d", 691_200_000_000_000), ("  3s ", 3_000_000_000), ("1m", 60_000_000_000),
  ] as [(String, UInt64)])
func timeSpanIsReadAsInSystemdTime(text: String, nanoseconds: UInt64) {
  #expect(TimeSpan(text) == .nanoseconds(nanoseconds))
}

@Test(arguments: [
  "", " ", "s", "5x", "-1", "+1", "1.s", ".5s", "1..2s", "1.2.3s", "5 s x", "infinity", "0x10",
  "1e3",
  "99999999999999999999", "600y", "20000000000s", "18446744073s 999ms", "٣s", "1 000",
])
func timeSpanThatIsNoneIsRefused(text: String) throws {
  // Two numbers without units are two times seconds.
  #expect(TimeSpan(text) == (text == "1 000" ? .seconds(1) : nil))
}

@Test func timeSpanIsShownSoThatItReadsTheSame() {
  for count: UInt64 in [0, 1, 999, 1000, 1_000_000, 10_000_000, 90_000_000_000, 7_200_000_000_000] {
    let span = TimeSpan.nanoseconds(count)
    #expect(TimeSpan(span.description) == span, "\(span)")
  }
}

@Test func booleanTakesTheWordsOfSystemdSyntax() throws {
  for text in ["1", "yes", "Y", "true", "t", "On"] {
    #expect(try ConfigurationValue.boolean(text))
  }
  for text in ["0", "no", "N", "FALSE", "f", "off"] {
    #expect(try !ConfigurationValue.boolean(text))
  }
  for text in ["", "2", "ja", "yes no"] {
    #expect(throws: ValueFault.self) { _ = try ConfigurationValue.boolean(text) }
  }
}

@Test func sizeTakesPowersOf1024() throws {
  let size = ConfigurationValue.size(0...(1 << 40))
  #expect(try size("4096") == 4096)
  #expect(try size("64K") == 65536)
  #expect(try size("2M") == 2 << 20)
  #expect(try size("1G") == 1 << 30)
  for text in ["", "K", "-1", "1k", "1.5M", "9223372036854775807K", "1T", "4 K"] {
    #expect(throws: ValueFault.self) { _ = try size(text) }
  }
}

@Test func processorsAreNumbersAndRanges() {
  #expect(ProcessorList.parse("0,2-4,9") == [0, 2, 3, 4, 9])
  #expect(ProcessorList.parse("1023") == [1023])
  for text in ["", "1024", "3-1", "0-", "-3", "1,,2", "0-1-2", "a"] {
    #expect(ProcessorList.parse(text) == nil, "\(text)")
  }
}

@Test(arguments: [
  ("Prioritty", "did you mean Priority?"), ("policy", "did you mean Policy?"),
  ("Quux", "write Policy or Priority"),
  (String(repeating: "x", count: 1 << 20), "write Policy or Priority"),
])
func suggestionNamesTheNearestWord(text: String, hint: String) {
  #expect(Suggestion.hint(for: text, among: ["Priority", "Policy"]) == hint)
}

@Test func suggestionDistanceCountsInsertionsDeletionsAndReplacements() {
  #expect(Suggestion.distance("", "abc") == 3)
  #expect(Suggestion.distance("kitten", "sitting") == 3)
  #expect(Suggestion.distance("abc", "abc") == 0)
  #expect(Suggestion.distance("abcd", "acd") == 1)
}
