// The drivers in Examples/, run as a user runs them: as processes whose output the cases read.
import Glibc
import LinuxSystem

enum ExampleTests {
  static let cases = [
    Case("exampleEduComputesFactorials", edu),
    Case("exampleUARTInCLosesNoByte", uartInC),
    Case("exampleUARTInWDFLosesNoByte", uartInWDF),
    Case("exampleUARTLosesNoByteInLoopback") {
      try uart(repetitions(1_048_576, short: 32_768), "0", [(0, 0)])
    },
    Case("exampleUARTFlowsBothWaysAtOnceBetweenTwoPorts") {
      try uart(repetitions(131_072, short: 32_768), "0-1", [(0, 1), (1, 0)])
    },
    Case("exampleUARTServesFourPortsAtOnce") {
      try uart(
        repetitions(32_768, short: 16_384), "0-1 2 3", [(0, 1), (1, 0), (2, 2), (3, 3)])
    },
    Case("exampleUARTNamesWhatIsWrong", uartErrors),
    Case("exampleHPETAccountsForEveryPeriod", hpet),
    Case("exampleAC97SaysWhatItsMemoryTakes", soundWithoutMemory),
    // The order matters: the rig checks the first recording.
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

  /// In C, on the libinterruptsync.so next to it: a machine without Swift.
  private static func uartInC() throws { try losesNoByte("uart") }

  /// A Windows driver and its loader.
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

  /// `bytes` through every one of `flows`, which are from a port to a port.
  private static func uart(_ bytes: Int, _ words: String, _ flows: [(from: Int, to: Int)]) throws {
    let before = try Guest.kernelCount(irq: 21)
    let arguments =
      ["pci-\(Guest.serial)", "\(bytes)"] + words.split(separator: " ").map(String.init)
    let program = try Program(arguments, program: "uart-example")
    let status = program.wait()
    let text = program.text
    try expectEqual(status, 0, "exit status; it said: \(text)")
    let lines = text.split(separator: "\n").map(String.init)
    for flow in flows {
      let said = try line(of: "port \(flow.from) to port \(flow.to):", in: lines)
      try expect(
        said.contains(", \(bytes) bytes sent, \(bytes) received, 0 wrong, checksums "), said)
      let checksums = said.split(separator: " ").suffix(2)
      try expect(checksums.first == checksums.last && checksums.last != "0", said)
      let port = try line(of: "port \(flow.to): ", in: lines)
      try expect(port.contains(", 0 overruns, 0 framing errors, "), port)
      // An interrupt moves at most sixteen bytes.
      try expect(try number(before: "interrupts", in: port) >= bytes / 32, port)
      // The late reader held the sender back.
      try expect(try number(before: "pauses", in: port) >= 1, port)
    }
    let sum = try line(of: "uart: all bytes arrived: \(bytes * flows.count) bytes in ", in: lines)
    let interrupts = Int(try Guest.kernelCount(irq: 21) - before)
    try expect(try number(before: "dispatches", in: sum) <= interrupts, "\(sum) of \(interrupts)")
  }

  private static func uartErrors() throws {
    let absent = try Program(["pci-0000:00:1e.0", "1", "0"], program: "uart-example")
    try expectEqual(absent.wait(), 1, "exit status without a device")
    try expect(absent.text.contains("no such device"), absent.text)
    for words in [["0", "0"], ["16", "4"], ["16", "0-0"], ["16", "0", "0-1"], ["16"]] {
      let wrong = try Program(["pci-\(Guest.serial)"] + words, program: "uart-example")
      try expectEqual(wrong.wait(), 64, "exit status of \(words)")
    }
  }

  private static func hpet() throws {
    let timer = try HPETTimer()
    let before = try timer.kernelCount()
    let program = try Program(["hpet", "500", "3"], program: "hpet-example")
    try expectEqual(program.wait(), 0, "exit status; it said: \(program.text)")
    let text = program.text
    let lines = text.split(separator: "\n").map(String.init)
    let sum = try line(of: "hpet: 500 a second for 3 s: ", in: lines)
    let interrupts = try number(before: "interrupts", in: sum)
    try expect(interrupts > 0, sum)
    try expect(interrupts + (try number(before: "missed", in: sum)) >= 1500, sum)
    // An interrupt that came while the routine turned the timer off is serviced but not recorded.
    let kernel = Int(try timer.kernelCount() - before)
    try expect((0...1).contains(kernel - interrupts), "\(sum); the kernel counted \(kernel)")
    let classes = lines.filter { $0.contains(" - ") }
    try expect(classes.contains { $0.hasSuffix("#") }, text)
    var counted = 0
    for line in classes {
      let words = line.split(separator: " ")
      guard words.count >= 5, let count = Int(words[4]) else { throw Failure(description: line) }
      counted += count
    }
    try expectEqual(counted, interrupts, "interrupts in the histogram \(text)")
    // Minimum, median, the number 99 and its percentile, maximum.
    var figures = try line(of: "latency: min ", in: lines).split(separator: " ").compactMap {
      Double($0)
    }
    try expectEqual(figures.count, 5, "figures of \(text)")
    figures.remove(at: 2)
    try expect(figures[0] > 0 && figures == figures.sorted(), text)
    let absent = try Program(["nothing"], program: "hpet-example")
    try expectEqual(absent.wait(), 1, "exit status without a device")
    try expect(absent.text.contains("nothing"), absent.text)
    let wrong = try Program(["hpet", "0"], program: "hpet-example")
    try expectEqual(wrong.wait(), 64, "exit status of a rate of 0")
  }

  private static func line(of start: String, in lines: [String]) throws(Failure) -> String {
    guard let line = lines.first(where: { $0.hasPrefix(start) }) else {
      throw Failure(description: "no line begins with \"\(start)\": \(lines)")
    }
    return line
  }

  /// The number before `word`.
  private static func number(before word: String, in line: String) throws(Failure) -> Int {
    let words = line.split { $0 == " " || $0 == "," }
    guard let place = words.firstIndex(of: Substring(word)), place > 0,
      let number = Int(words[place - 1])
    else { throw Failure(description: "no number of \(word) in \"\(line)\"") }
    return number
  }

  private static let hugePages = "/proc/sys/vm/nr_hugepages"

  private static func soundWithoutMemory() throws {
    try expectEqual(Guest.write("0", to: hugePages), 0, "errno of \(hugePages)")
    let program = try Program(["pci-\(Guest.ac97)"], program: "ac97")
    try expectEqual(program.wait(), 1, "exit status; it said: \(program.text)")
    try expect(program.text.contains(">\(hugePages)"), "it said: \(program.text)")
    let wrong = try Program(["pci-0000:00:1e.0"], program: "ac97")
    try expectEqual(wrong.wait(), 1, "exit status without a device")
    try expect(wrong.text.contains("no such device"), wrong.text)
  }

  /// In C++, with the PortCls interfaces. Its first line tells the rig what the recording must contain.
  private static func sound() throws {
    try expectEqual(Guest.write("1", to: hugePages), 0, "errno of \(hugePages)")
    let program = try Program(["pci-\(Guest.ac97)"], program: "ac97")
    let status = program.wait()
    say(String(program.text.prefix { $0 != "\n" }))
    try expectEqual(status, 0, "exit status; it said: \(program.text)")
    let expected = "ac97: played 141 of 141 periods of 1024 frames at 48000 Hz: "
    try expect(program.text.hasPrefix(expected), "it said no \"\(expected)\"")
    try expect(program.text.contains(" 0 underruns"), "underruns")
    // A late service routine finds several periods played, but at most a ring of them.
    let interrupts = program.text.dropFirst(expected.count).prefix { $0.isNumber }
    try expect((5...141).contains(Int(interrupts) ?? 0), "\(interrupts) interrupts")
  }

  /// A driver that was stopped for longer than the ring lasts resumes where it was, and reports it.
  private static func soundStopped() throws {
    // Not through the UIO node: closing that would turn bus mastering off for the driver (fact 45).
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
