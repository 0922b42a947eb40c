// The drivers in Examples/, run as a user would run them.
import Glibc
import UIO

enum ExampleTests {
  static let cases = [
    Case("exampleEduComputesFactorials", edu),
    Case("exampleUARTInCLosesNoByte", uart),
    Case("exampleAC97SaysWhatItsMemoryTakes", soundWithoutMemory),
    // The order counts: the rig looks at what is recorded first.
    Case("exampleAC97PlaysWithoutUnderruns", sound),
    Case("exampleAC97FailsWhenItRanOutOfSamples", soundStopped),
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
  private static func uart() throws {
    let program = try Program(["pci-\(Guest.serial)"], program: "uart")
    try expectEqual(program.wait(), 0, "exit status; it said: \(program.text)")
    try expect(
      program.text.contains("uart: all bytes came back: 16384 bytes"), "it said: \(program.text)")
    for port in 0..<4 {
      let line = "port \(port): 4096 sent, 4096 received, 0 wrong, 0 overruns"
      try expect(program.text.contains(line), "it said: \(program.text)")
    }
    let wrong = try Program(["pci-0000:00:1e.0"], program: "uart")
    try expectEqual(wrong.wait(), 1, "exit status without a device")
    try expect(wrong.text.contains("no such device"), wrong.text)
  }

  private static let hugePages = "/proc/sys/vm/nr_hugepages"

  private static func soundWithoutMemory() throws {
    try expectEqual(Guest.write("0", to: hugePages), 0, "errno of \(hugePages)")
    let program = try Program(["pci-\(Guest.ac97)"], program: "ac97")
    try expectEqual(program.wait(), 1, "exit status; it said: \(program.text)")
    try expect(program.text.contains("echo 1 >\(hugePages)"), "it said: \(program.text)")
    let wrong = try Program(["pci-0000:00:1e.0"], program: "ac97")
    try expectEqual(wrong.wait(), 1, "exit status without a device")
    try expect(wrong.text.contains("no such device"), wrong.text)
  }

  /// In C++, in PortCls' shape. Its line tells the rig what to look for in the recording.
  private static func sound() throws {
    try expectEqual(Guest.write("1", to: hugePages), 0, "errno of \(hugePages)")
    let program = try Program(["pci-\(Guest.ac97)"], program: "ac97")
    let status = program.wait()
    say(String(program.text.prefix { $0 != "\n" }))
    try expectEqual(status, 0, "exit status; it said: \(program.text)")
    let expected = "ac97: played 141 of 141 periods of 1024 frames at 48000 Hz: "
    try expect(program.text.hasPrefix(expected), "it said no \"\(expected)\"")
    try expect(program.text.contains(" 0 underruns"), "underruns")
    // A late service finds several periods played, but a ring's worth at most.
    let interrupts = program.text.dropFirst(expected.count).prefix { $0.isNumber }
    try expect((5...141).contains(Int(interrupts) ?? 0), "\(interrupts) interrupts")
  }

  /// Stopped for longer than the ring lasts, the driver goes on where it was, and says so.
  private static func soundStopped() throws {
    // Not as a device of ours: closing it would turn bus mastering off for the driver (fact 45).
    let ports = open("\(Guest.pci(Guest.ac97))/resource1", O_RDONLY)
    try expect(ports >= 0, "resource1: \(Errno.name(errno))")
    defer { close(ports) }
    func isHalted() throws -> Bool {
      var status: UInt16 = 0
      let length = pread(ports, &status, 2, 0x16)
      try expectEqual(length, 2, "bytes of the status register")
      return UInt16(littleEndian: status) & 1 != 0
    }
    let program = try Program(["pci-\(Guest.ac97)"], program: "ac97")
    try Guest.waitFor("the card to play") { try !isHalted() }
    program.send(SIGSTOP)
    do { try Guest.waitFor("the ring to run empty") { try isHalted() } } catch {
      program.send(SIGKILL)
      throw error
    }
    program.send(SIGCONT)
    try expectEqual(program.wait(), 1, "exit status; it said: \(program.text)")
    let expected = "played 141 of 141 periods of 1024 frames at 48000 Hz: "
    try expect(program.text.contains(expected), "it said: \(program.text)")
    try expect(!program.text.contains(" 0 underruns"), "it said: \(program.text)")
  }
}
