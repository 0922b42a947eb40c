// The drivers in Examples/, run as a user would run them.
import UIO

enum ExampleTests {
  static let cases = [
    Case("exampleEduComputesFactorials", edu)
  ]

  private static func edu() throws {
    let program = try Program(["pci-\(Guest.eduA)", "10"], program: "edu-example")
    try expectEqual(program.wait(), 0, "exit status; it said: \(program.text)")
    let expected = (1...10).map { number in "\((1...number).reduce(1, *))" }
    try expectEqual(program.text.split(separator: "\n").map(String.init), expected, "factorials")
    let wrong = try Program(["pci-0000:00:1e.0", "3"], program: "edu-example")
    try expectEqual(wrong.wait(), 1, "exit status without a device")
    try expect(wrong.text.contains("no such device"), wrong.text)
  }
}
