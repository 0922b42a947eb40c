// GPIO lines that do not open, are used, or whose chip goes, and a program in C: with chips that gpio-sim simulates
// (docs/gpio.md).
import CGPIO
import CUIO
import GPIO
import Glibc
import InterruptSync
import LinuxSystem
import Synchronization

enum GPIOErrorTests {
  static let cases = [
    Case("G6_aUsedLineNamesItsUser", busy),
    Case("G9_whatAnOpenAnswers", errors),
    Case("G10_aChipThatGoesEndsItsLinesAndComesBack", removal),
    Case("C_gpioProgramSeesEveryEdge", program),
  ]

  private static func busy() throws {
    let chip = try SimulatedChip(hog: 6)
    defer { withExtendedLifetime(chip) {} }
    let opened = try GPIOChip(chip.label)
    let line = try GPIOLine(opened, offset: 3, settings: GPIOLineSettings(consumer: "first driver"))
    try expectUIOError(
      .busy, ["\(chip.name) (suite) line 3", "\"first driver\" has the line", "EBUSY"]
    ) {
      _ = try GPIOLine(opened, offset: 3)
    }
    try expectUIOError(.busy, ["\"hog\" has the line"]) { _ = try GPIOLine(opened, offset: 6) }
    let first = try GPIOTests.object(line)
    let second = try GPIOTests.object(line)
    try GPIOTests.connect(first)
    try expectSyncError(.lineBusy) { try second.connect() }
    try first.disconnect()
    try GPIOTests.connect(second)
    try second.disconnect()
    // A program's own request is no line of counts, and says which kind to take.
    var config = cgpio_config()
    config.rising = true
    let own = cgpio_line_request(opened.file.raw, 2, "own", 16, &config)
    try expect(own >= 0, "own request: \(own)")
    defer { close(own) }
    let error = try expectSyncError(.invalidArgument) {
      _ = try FileDescriptorLine(own, format: .eventCounter)
    }
    try expect(error.hint.contains("GPIOLine"), error.hint)
  }

  private static func errors() throws {
    let chip = try SimulatedChip(lines: 4, names: [1: "twin", 2: "twin"])
    defer { withExtendedLifetime(chip) {} }
    let opened = try GPIOChip(chip.name)
    try expectEqual(opened.lineCount, 4, "lines")
    try expectUIOError(.noSuchRegion, ["no line 4", "it has 4"]) {
      _ = try GPIOLine(opened, offset: 4)
    }
    try expectUIOError(.notFound, ["\"none\""]) { _ = try GPIOLine(opened, name: "none") }
    try expectUIOError(.ambiguous, ["1, 2"]) { _ = try GPIOLine(opened, name: "twin") }
    try expectUIOError(.notFound, ["no such GPIO chip"]) { _ = try GPIOChip("gpiochip99") }
    try expectUIOError(.malformed, ["no GPIO chip", "ENOTTY"]) { _ = try GPIOChip("/dev/null") }
    try expectUIOError(.unsupported, ["clock", "EOPNOTSUPP"]) {
      _ = try GPIOLine(opened, offset: 0, settings: GPIOLineSettings(clock: .hardware))
    }
    // A node is root's alone (G3).
    try expectEqual(try Guest.shell("stat -c %U:%a /dev/\(chip.name)"), "root:600", "the node")
    let denied = try Guest.run("setpriv --reuid=65534 --clear-groups ./gpio \(chip.label) twin")
    try expectEqual(denied.status, 1, denied.text)
    try expect(denied.text.contains("GROUP=\"gpio\""), denied.text)
    let second = try SimulatedChip("second")
    try expectEqual(try GPIOChip("second").name, second.name, "found by label")
  }

  private static func removal() throws {
    let chip = try SimulatedChip()
    defer { withExtendedLifetime(chip) {} }
    let line = try GPIOLine(try GPIOChip(chip.label), offset: 3)
    let reports = Atomic<Int>(0)
    let object = try GPIOTests.object(line) { report in
      if case .removed = report { reports.add(1, ordering: .relaxed) }
    }
    try GPIOTests.connect(object)
    chip.pull(3, up: true)
    try GPIOTests.expectInterrupts(object, 1)
    let start = Clock.now
    try chip.takeOut()
    try Guest.waitFor("the report") { reports.load(ordering: .relaxed) == 1 }
    try expect(Clock.now - start < 3_000_000_000, "it took \((Clock.now - start) / 1_000_000) ms")
    try expectEqual(object.state, .ended, "state")
    try expectUIOError(.removed, ["unbound or removed"]) { _ = try line.value() }
    try object.disconnect()
    try expectSyncError(.removed) { try object.connect() }
    // Another instance of the chip, with the same object.
    try chip.putIn()
    let again = try GPIOLine(try GPIOChip(chip.label), offset: 3)
    try expectEqual(try chip.level(3), "0", "the level of a new chip")
    let second = try GPIOTests.object(again)
    try GPIOTests.connect(second)
    chip.pull(3, up: true)
    try GPIOTests.expectInterrupts(second, 1)
    try second.disconnect()
    try object.connect(to: again)
    chip.pull(3, up: false)
    try GPIOTests.expectInterrupts(object, 2)
    try object.disconnect()
  }

  private static func program() throws {
    let chip = try SimulatedChip(names: [2: "button"])
    defer { withExtendedLifetime(chip) {} }
    let program = try Program([chip.label, "button"], program: "gpio")
    try program.waitForText("connected")
    guard let irq = Procfs.system.interrupt(requestedBy: "gpio program") else {
      throw Failure(description: "no interrupt")
    }
    let wire = try Wire(chip, 2, irq: irq)
    for edge in 1...100 {
      try wire.pull(up: edge % 2 == 1)
      try program.waitForText("edge \(edge)\n")
    }
    let status = program.wait()
    try expect(status == 0, "exit status \(status): \(program.text)")
    try expect(program.text.contains("100 of 100 edges in order"), program.text)
  }
}
