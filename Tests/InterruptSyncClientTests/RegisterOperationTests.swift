// Register operations as text: what parses, what prints, and what is wrong with the rest.
import Testing
import UIO

@testable import InterruptSyncClient

@Test(arguments: [
  "read bar0:0x24/32", "read map1:0x8/16&0x3", "write bar0:0x60/32=0x1",
  "update bar0:0x4/32&0xff=0x3", "wait bar0:0x0/32&0x1=0x1 500us",
  "write bar5:0x0/64=0xffffffffffffffff",
])
func operationReadsBackAsItIsWritten(text: String) throws {
  let operations = try RegisterOperations.parse(text)
  #expect(operations.map(\.description) == [text])
}

@Test func operationsFollowOneAnotherInWords() throws {
  let register = try RegisterReference("bar0:4/32&0xff")
  let operations = try RegisterOperations.parse(
    "read bar0:0x24/32\n write bar0:0x60/32=1 update bar0:4/32&0xff=0x3 wait bar0:4/32&0xff=2 2ms")
  #expect(
    operations == [
      .read(try RegisterReference("bar0:0x24/32")),
      .write(try RegisterReference("bar0:0x60/32"), value: 1),
      .update(register, mask: 0xff, value: 3),
      .wait(register, mask: 0xff, value: 2, timeout: .milliseconds(2)),
    ])
  #expect(try RegisterOperations.parse("") == [])
}

@Test(arguments: [
  ("peek bar0:0/32", "read, write, update or wait"), ("read", "no register follows"),
  ("read bar0:0/32=1", "no value"), ("write bar0:0/32", "no value follows"),
  ("write bar0:0/32=x", "not a number"), ("write bar0:0/8=256", "8 bits"),
  ("write bar0:0/32&1=1", "update does"), ("update bar0:0/32=1", "needs a mask"),
  ("wait bar0:0/32=1", "500us"), ("wait bar0:0/32=1 5", "500us"),
  ("wait bar0:0/32=1 99999999999999999999us", "500us"),
  ("wait bar0:0/32&1=2 5us", "can never match"), ("read rom:0/32", "neither barN"),
  ("read bar0:2/32", "multiple"), ("write bar0:0/32=claimed", "claimed"),
])
func wrongOperationSaysWhatIsWrong(text: String, words: String) {
  do {
    _ = try RegisterOperations.parse(text)
    Issue.record("taken: \(text)")
  } catch {
    #expect(error.code == .malformed)
    #expect(error.description.contains(words), "\(error)")
  }
}

@Test func claimedValueIsFilledInLater() throws {
  let templates = try RegisterOperations.templates(
    "read bar0:0x24/32 write bar0:0x64/32=claimed update bar0:8/32&0xf=claimed")
  #expect(templates.map(\.takesClaimed) == [false, true, true])
  #expect(templates[1].operation(claimed: nil) == nil)
  #expect(
    templates[1].operation(claimed: 0x12)
      == .write(try RegisterReference("bar0:0x64/32"), value: 0x12))
  let masked = try RegisterReference("bar0:8/32&0xf")
  #expect(templates[2].operation(claimed: 0x12) == .update(masked, mask: 0xf, value: 2))
}

@Test(arguments: [
  (Duration.zero, "0us"), (.nanoseconds(1), "1us"), (.nanoseconds(1001), "2us"),
  (.seconds(-1), "0us"), (.seconds(2), "2000000us"),
  (.microseconds(UInt64.max), "18446744073709551615us"),
  (.seconds(Int64.max), "18446744073709551615us"),
])
func waitCountsInWholeMicroseconds(timeout: Duration, text: String) throws {
  let register = try RegisterReference("bar0:0/32&1")
  let operation = RegisterOperation.wait(register, mask: 1, value: 1, timeout: timeout)
  #expect(operation.description == "wait bar0:0x0/32&0x1=0x1 \(text)")
}
