// Texts that name devices and registers, made of any pieces: read or refused, never a trap.
import TestSupport
import Testing

@testable import DeviceIdentity

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
    if let number = NumberParsing.parse(text, as: UInt16.self) {
      #expect(NumberParsing.parse("\(number)", as: UInt16.self) == number)
    }
    _ = NumberParsing.parse(text, as: Int64.self)
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
