// The drivers in Examples/, run as a user would run them.
import UIO

enum ExampleTests {
  static let cases = [
    Case("exampleEduComputesFactorials", edu),
    Case("exampleUARTInCLosesNoByte", uart),
    Case("exampleUARTInWDFLosesNoByte", uartInWDF),
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

  /// In C, on libinterruptsync.so beside it: a machine without Swift.
  private static func uart() throws { try losesNoByte("uart") }

  /// A Windows driver and what loads it.
  private static func uartInWDF() throws { try losesNoByte("uart-wdf") }

  private static func losesNoByte(_ name: String) throws {
    let program = try Program(["pci-\(Guest.serial)"], program: name)
    try expectEqual(program.wait(), 0, "exit status; it said: \(program.text)")
    try expect(
      program.text.contains("\(name): all bytes came back: 16384 bytes"),
      "it said: \(program.text)")
    for port in 0..<4 {
      let line = "port \(port): 4096 sent, 4096 received, 0 wrong, 0 overruns"
      try expect(program.text.contains(line), "it said: \(program.text)")
    }
    let wrong = try Program(["pci-0000:00:1e.0"], program: name)
    try expectEqual(wrong.wait(), 1, "exit status without a device")
    try expect(wrong.text.contains("no such device"), wrong.text)
  }
}
