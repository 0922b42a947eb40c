// Numbers as the kernel prints and as people type them, and input that is none.
import Testing

@testable import LinuxSystem

@Test func numbersAreHexadecimalOnlyWithTheirPrefix() {
  #expect(NumberParsing.parse("0x1f", as: Int.self) == 31)
  #expect(NumberParsing.parse("0X1F", as: Int.self) == 31)
  #expect(NumberParsing.parse("31", as: Int.self) == 31)
  #expect(NumberParsing.parse("031", as: Int.self) == 31)
  #expect(NumberParsing.parse("1f", as: Int.self) == nil)
  #expect(NumberParsing.parse("0x0000000000000000", as: UInt8.self) == 0)
}

@Test func numbersHaveTheRangeOfTheirType() {
  #expect(NumberParsing.parse("255", as: UInt8.self) == 255)
  #expect(NumberParsing.parse("256", as: UInt8.self) == nil)
  #expect(NumberParsing.parse("0xffffffffffffffff", as: UInt64.self) == .max)
  #expect(NumberParsing.parse("0x10000000000000000", as: UInt64.self) == nil)
  #expect(NumberParsing.parse("9223372036854775808", as: Int64.self) == nil)
}

@Test(arguments: [
  "", "0x", "0X", "x", "-1", "+1", "0x-1", "0x+1", " 1", "1 ", "1\n", "1_000", "0x1g", "1.0", "0b1",
  "１", "٣", "é", "\0", "0x\0",
])
func numbersHaveNothingAroundThem(_ text: String) {
  #expect(NumberParsing.parse(text, as: Int.self) == nil)
  #expect(NumberParsing.parse(text, as: UInt64.self) == nil)
}
