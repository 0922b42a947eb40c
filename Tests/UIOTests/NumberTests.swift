// Numbers as the kernel prints and as people type them, and input that is none.
import Testing
import TestSupport

@testable import UIO

@Test func numbersAreHexadecimalOnlyWithTheirPrefix() {
  #expect(Number.parse("0x1f", as: Int.self) == 31)
  #expect(Number.parse("0X1F", as: Int.self) == 31)
  #expect(Number.parse("31", as: Int.self) == 31)
  #expect(Number.parse("031", as: Int.self) == 31)
  #expect(Number.parse("1f", as: Int.self) == nil)
  #expect(Number.parse("0x0000000000000000", as: UInt8.self) == 0)
}

@Test func numbersHaveTheRangeOfTheirType() {
  #expect(Number.parse("255", as: UInt8.self) == 255)
  #expect(Number.parse("256", as: UInt8.self) == nil)
  #expect(Number.parse("0xffffffffffffffff", as: UInt64.self) == .max)
  #expect(Number.parse("0x10000000000000000", as: UInt64.self) == nil)
  #expect(Number.parse("9223372036854775808", as: Int64.self) == nil)
}

@Test(arguments: [
  "", "0x", "0X", "x", "-1", "+1", "0x-1", "0x+1", " 1", "1 ", "1\n", "1_000", "0x1g", "1.0", "0b1",
  "１", "٣", "é", "\0", "0x\0",
])
func numbersHaveNothingAroundThem(_ text: String) {
  #expect(Number.parse(text, as: Int.self) == nil)
  #expect(Number.parse(text, as: UInt64.self) == nil)
}

/// Texts made of the pieces that the parsers look for, in any order.
private func randomText(_ random: inout some RandomNumberGenerator) -> String {
  let pieces = [
    "pci-", "platform-", "uio", "/dev/", "0x", "0X", ":", ".", "+", "-", "0", "1f", "7", "20", "ff",
    "fffffffff", "99999999999999999999", " ", "\n", "\0", "é", "１", "٣", "\u{301}", "🖥", "g", "/",
  ]
  return (0..<Int.random(in: 0...9, using: &random)).map { _ in
    pieces.randomElement(using: &random) ?? ""
  }.joined()
}

@Test func randomTextsAreReadOrRefusedAndNeverTrap() {
  var random = SeededGenerator()
  for _ in 0..<20_000 {
    let text = randomText(&random)
    if let address = PCIAddress(text) {
      #expect(PCIAddress(address.description) == address, "\(text.debugDescription)")
    }
    if let number = Number.parse(text, as: UInt16.self) {
      #expect(Number.parse("\(number)", as: UInt16.self) == number)
    }
    _ = Number.parse(text, as: Int64.self)
    do throws(UIOError) {
      let id = try UIODeviceID(text)
      // What is printed names the same device.
      #expect(try UIODeviceID(id.description) == id, "\(text.debugDescription)")
    } catch {
      #expect(error.code == .malformed, "\(text.debugDescription)")
    }
  }
}

@Test func randomResourceFilesNeverTrap() {
  var random = SeededGenerator()
  let words = [
    "0x0", "0x0000000000000000", "0xffffffffffffffff", "0x00000000febf0000", "0x00000000feceffff",
    "0x0000000000040200", "0x0000000000040101", "0x200", "0x100", "x", "-1", "", "\n", "\n\n",
  ]
  for _ in 0..<20_000 {
    let text = (0..<Int.random(in: 0...30, using: &random)).map { _ in
      words.randomElement(using: &random) ?? ""
    }.joined(separator: Bool.random(using: &random) ? " " : "\n")
    for bar in PCIFunction.bars(text) {
      #expect((0..<6).contains(bar.number) && bar.size > 0)
    }
  }
}
