import Testing
import UIO

@testable import InterruptSyncService

@Test func acknowledgementWritesTheClaimedValueOrANumber() throws {
  let claimed = try Recipe.Acknowledgement("bar0:0x64/32=claimed")
  #expect(claimed.value == .claimed)
  #expect(claimed.register.offset == 0x64)
  let constant = try Recipe.Acknowledgement("map0:2/8=0xff")
  #expect(constant.value == .constant(0xff))
  #expect(try Recipe.Acknowledgement("map0:0/64=0xffffffffffffffff").value == .constant(.max))
}

@Test(arguments: [
  "bar0:0x64/32", "bar0:0x64/32=", "bar0:0x64/32=all", "bar0:0x64/8=0x100", "bar0:0x64/32=-1",
  "bar0:0x64/32=claimed=1", "bar0:0x64/32&0xff=claimed",
])
func acknowledgementThatCannotBeReadIsRefused(text: String) throws {
  let error = try #require(throws: UIOError.self) { _ = try Recipe.Acknowledgement(text) }
  #expect(error.code == .malformed)
  #expect(
    error.description.contains("claimed") || error.description.contains("without effect"),
    "\(error)")
}

@Test func recipeThatWritesBackWhatItDoesNotReadIsRefused() throws {
  let write = try Recipe.Acknowledgement("bar0:0x64/32=claimed")
  let error = try #require(throws: UIOError.self) {
    _ = try Recipe(claim: nil, acknowledgements: [write])
  }
  #expect(error.hint.contains("--claim"))
  let claim = try RegisterReference("bar0:0x24/32")
  #expect(try Recipe(claim: claim, acknowledgements: [write]).acknowledgements == [write])
}

@Test func acknowledgementSurvivesAnyText() {
  var generator = SystemRandomNumberGenerator()
  let alphabet = Array("barmp012345:/&x= claimed-+\u{0}é")
  for _ in 0..<20_000 {
    let length = Int.random(in: 0...24, using: &generator)
    let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "b" })
    _ = try? Recipe.Acknowledgement(text)
  }
}
