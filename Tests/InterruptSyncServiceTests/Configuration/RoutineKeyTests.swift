// [Routine]: recipes and drivers.
import Testing
import UIO

@testable import InterruptSyncService

private func routines(_ text: String) throws -> [RoutineSettings] {
  try device("[Match]\nId=*\n\(text)\n").routines
}

private func recipe(_ text: String) throws -> Recipe {
  let action = try #require(try routines("[Routine]\n\(text)").first).action
  guard case .recipe(let recipe) = action else { throw Unexpected() }
  return recipe
}

private struct Unexpected: Error {}

@Test func routineWithoutKeysClaimsEverything() throws {
  #expect(try recipe("") == Recipe())
  #expect(try routines("").isEmpty)
}

@Test func routineRecipeIsReadInOrder() throws {
  let found = try recipe(
    """
    Name=edu
    Claim=bar0:0x24/32&0xff
    Capture=status=bar0:0x20/32 count=map1:8/16&0x3
    Acknowledge=bar0:0x64/32=claimed \\
      bar0:0x60/32=status
    Acknowledge=bar0:0x68/32=0x1
    """)
  #expect(found.claim == (try RegisterReference("bar0:0x24/32&0xff")))
  #expect(found.captures.map(\.name) == ["status", "count"])
  #expect(found.captures.last?.register == (try RegisterReference("map1:8/16&0x3")))
  #expect(
    found.acknowledgements.map(\.value) == [.claimed, .captured("status"), .constant(1)])
  #expect(found.acknowledgements.map(\.register.offset) == [0x64, 0x60, 0x68])
}

@Test func routineMayAcknowledgeWhatIsCapturedFurtherDown() throws {
  #expect(
    try recipe("Acknowledge=bar0:0=x\nCapture=x=bar0:4").acknowledgements.map(\.value)
      == [.captured("x")])
}

@Test func routineDriverIsReadWithItsArguments() throws {
  let found = try routines(
    "[Routine]\nDriver=/usr/lib/interruptsync/drivers/card.so\nArgument=a \"b c\" \\x64\nArgument=''"
  )
  #expect(
    found.first?.action
      == .driver(
        path: "/usr/lib/interruptsync/drivers/card.so", arguments: ["a", "b c", "d", ""]))
}

@Test func aVectorHasTheRoutinesThatNameItOrNone() throws {
  let file = try device(
    "[Match]\nId=*\n[Routine]\nName=a\nVector=0-1\n[Routine]\nName=b\n[Routine]\nName=c\nVector=1")
  func names(_ vector: Int?) -> [String?] {
    file.configuration(of: "x", vector: vector).routines.map(\.name)
  }
  #expect(names(0) == ["a", "b"] && names(1) == ["a", "b", "c"] && names(2) == ["b"])
  // A device without vectors.
  #expect(names(nil) == ["a", "b", "c"])
  #expect(file.device.vectors == .standard)
}

@Test func withoutVectorsThoseAreServicedThatHaveARoutine() throws {
  let text = "[Match]\nId=*\n[Routine]\nVector=3\n[Routine]\nVector=0-1\n"
  #expect(try device(text).device.vectors == .listed([0, 1, 3]))
  #expect(try device(text + "[Device]\nVectors=4\n").device.vectors == .first(4))
}

@Test func routinesKeepTheirOrder() throws {
  let found = try routines("[Routine]\nName=b\n[Device]\n[Routine]\nName=a\n[Routine]\n")
  #expect(found.map(\.name) == ["b", "a", nil])
}

@Test(arguments: [
  (
    "Claim=bar0", "4:7: error: Claim=: bar0: the offset \"\" is not a number", "REGION:OFFSET/WIDTH"
  ),
  ("Claim=bar9:0", "4:7: error: Claim=: bar9:0: the region \"bar9\"", "bar0:0x24/32"),
  ("Claim=bar0:0 bar0:4", "4:7: error: Claim=: bar0:0 bar0:4: the offset", "REGION"),
  ("Capture=bar0:0", "4:9: error: Capture=: bar0:0: it has no name", "NAME=REGION"),
  (
    "Capture=Up=bar0:0", "4:9: error: Capture=: Up=bar0:0: \"Up\" is not a name",
    "lowercase letters"
  ),
  (
    "Capture=claimed=bar0:0", "4:9: error: Capture=: claimed=bar0:0: \"claimed\" is not",
    "lowercase"
  ),
  ("Capture=a=bar0:0 a=bar0:4", "4:18: error: Capture=: \"a\" is captured twice", "its own name"),
  ("Capture=a=bar0:1", "4:9: error: Capture=: bar0:1: the offset is not a multiple", "REGION"),
  ("Acknowledge=bar0:0", "4:13: error: Acknowledge=: bar0:0: the value \"\" is neither", "=VALUE"),
  ("Acknowledge=bar0:0=x", "4:13: error: Acknowledge=: bar0:0=x: the value \"x\"", "=VALUE"),
  (
    "Acknowledge=bar0:0/8=0 bar0:0/8=256", "4:24: error: Acknowledge=: bar0:0/8=256: the value",
    "=VALUE"
  ),
  (
    "Acknowledge=bar0:0=claimed", "4:13: error: Acknowledge=: \"claimed\" is written back", "Claim="
  ),
  ("Claim=x\nAcknowledge=bar0:0=claimed", "4:7: error: Claim=: x: the region", "REGION"),
  ("Driver=card.so", "4:8: error: Driver=: \"card.so\" is not a plain absolute path", "root"),
  ("Driver=/lib/../card.so", "4:8: error: Driver=: \"/lib/../card.so\" is not a plain", "root"),
  ("Driver=/lib//card.so", "4:8: error: Driver=: \"/lib//card.so\" is not a plain", "root"),
  ("Driver=/lib/card", "4:8: error: Driver=: \"/lib/card\" is not a shared object", ".so"),
  ("Driver=/a.so\nClaim=bar0:0", "5:7: error: Claim=: the routine is a driver", "remove it"),
  ("Vector=x", "4:8: error: Vector=: \"x\" is neither a number of vectors nor a list", "0-1 5"),
  (
    "Vector=0 4\n[Device]\nVectors=0-2",
    "4:8: error: Vector=: vector 4 is not among those of Vectors=", "name it there"
  ),
  ("Argument=x", "4:10: error: Argument=: only a driver takes arguments", "Driver="),
  ("Name=a b", "4:6: error: Name=: \"a b\" is not a name", "letters"),
  (
    "Name=a\n[Routine]\nName=a", "6:6: error: there is another [Routine] named a at", "its own name"
  ),
])
func routineFaultsAreToldWithTheirPlace(text: String, fault: String, hint: String) throws {
  let faults = try deviceFaults("[Match]\nId=*\n[Routine]\n\(text)\n")
  #expect(faults.count == 1, "\(faults)")
  #expect(faults.first?.hasPrefix(fault) == true, "\(faults)")
  #expect(faults.first?.contains(hint) == true, "\(faults)")
}

@Test func routineCapturesNoMoreThanTheLimit() throws {
  let names = (0...Recipe.Capture.limit).map { "r\($0)=bar0:\($0 * 4)" }
  #expect(
    try recipe("Capture=" + names.dropLast().joined(separator: " ")).captures.count
      == Recipe.Capture.limit)
  let faults = try deviceFaults(
    "[Match]\nId=*\n[Routine]\nCapture=\(names.joined(separator: " "))\n")
  #expect(faults.count == 1)
  #expect(faults.first?.contains("more than \(Recipe.Capture.limit) registers") == true)
}
