import Testing
import UIO

@Test func registerReadsRegionOffsetWidthAndMask() throws {
  let register = try RegisterReference("bar0:0x24/32&0xff")
  #expect(register.region == .bar(0))
  #expect(register.offset == 0x24)
  #expect(register.width == 32)
  #expect(register.mask == 0xff)
  #expect(register.description == "bar0:0x24/32")
}

@Test(arguments: [
  ("map1:8/16", RegisterReference.Region.map(1), 8, 16, UInt64(0xffff)),
  ("bar5:0/8", .bar(5), 0, 8, 0xff),
  ("bar2:16", .bar(2), 16, 32, 0xffff_ffff),
  ("map4:0x100/64", .map(4), 0x100, 64, .max),
])
func registerWithoutMaskCountsAllBits(
  text: String, region: RegisterReference.Region, offset: Int, width: Int, mask: UInt64
) throws {
  let register = try RegisterReference(text)
  #expect(register.region == region)
  #expect(register.offset == offset)
  #expect(register.width == width)
  #expect(register.mask == mask)
}

@Test(arguments: [
  ("", "neither barN nor mapN"), ("bar0", "offset"), ("bar6:0/32", "neither barN nor mapN"),
  ("map5:0/32", "neither barN nor mapN"), ("bar:0/32", "neither barN nor mapN"),
  ("bar0:/32", "offset \"\""), ("bar0:-4/32", "offset"), ("bar0:0x/32", "offset"),
  ("bar0:0x24/24", "width \"24\""), ("bar0:0x24/", "width \"\""), ("bar0:0x24/32/8", "width"),
  ("bar0:0x22/32", "multiple of the width"), ("bar0:0x24/32&", "mask \"\""),
  ("bar0:0x24/32&0", "mask"), ("bar0:0x24/8&0x100", "mask"), ("bar0:0x24/32&0x1ffffffff", "mask"),
  ("bar0:99999999999999999999/8", "offset"), ("0x24/32", "neither barN nor mapN"),
])
func registerThatCannotBeReadIsNamedWithItsFault(text: String, fault: String) throws {
  let error = try #require(throws: UIOError.self) { _ = try RegisterReference(text) }
  #expect(error.code == .malformed)
  #expect(error.device == text)
  #expect(error.cause.contains(fault), "\(error)")
  #expect(!error.hint.isEmpty)
}

@Test func registerSurvivesAnyText() {
  var generator = SystemRandomNumberGenerator()
  let alphabet = Array("barmp012345:/&x= claimed-+\u{0}é")
  for _ in 0..<20_000 {
    let length = Int.random(in: 0...24, using: &generator)
    let text = String((0..<length).map { _ in alphabet.randomElement(using: &generator) ?? "b" })
    _ = try? RegisterReference(text)
    _ = try? UIODeviceID(text)
  }
}
