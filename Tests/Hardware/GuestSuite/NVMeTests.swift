// The example that drives an NVMe disk, run as a user runs it. The disk holds numbered lines, which the rig
// wrote; the rig compares all of it afterwards with what the first case leaves on it.
import Glibc
import InterruptSync

enum NVMeTests {
  static let cases = [
    Case("exampleNVMeReadsAndWritesBlocksByInterrupts", blocks),
    Case("exampleNVMeNamesWhatIsWrong", errors),
    Case("exampleNVMeGivesTheDiskBackWhileItWorks", returned),
  ]

  private static let disk = "pci-\(Guest.nvme)"
  /// Of 512 bytes, each with 16 lines.
  private static let blockCount = 8192
  /// One command's.
  private static let step = 16

  /// The numbered lines of `count` blocks.
  private static func lines(_ first: Int, _ count: Int) -> String {
    "seq -f %031.0f \(first * 16) \((first + count) * 16 - 1)"
  }

  private static func run(_ words: String, _ wanted: Int32 = 0) throws -> [String] {
    try Guest.bindVFIO(Guest.nvme)
    let program = try Program(
      [disk] + words.split(separator: " ").map(String.init), program: "nvme-example")
    try expectEqual(program.wait(), wanted, "exit status; it said: \(program.text)")
    return program.text.split(separator: "\n").map(String.init)
  }

  /// Half of the disk becomes other lines.
  private static func blocks() throws {
    let half = blockCount / 2
    try expectServed(try run("read /tmp/blocks 0 \(blockCount)"), commands: blockCount / step)
    try Guest.shell("\(lines(0, blockCount)) | cmp - /tmp/blocks")
    try Guest.shell("\(lines(blockCount, half)) >/tmp/lines")
    // The last command of the writes is the flush.
    try expectServed(try run("write /tmp/lines \(half)"), commands: half / step + 1)
    _ = try run("read /tmp/blocks \(half) \(half)")
    try Guest.shell("cmp /tmp/lines /tmp/blocks")
    // A part of a command's blocks, across the border.
    _ = try run("read /tmp/blocks \(half - 3) 5")
    try Guest.shell("{ \(lines(half - 3, 3)); \(lines(blockCount, 2)); } | cmp - /tmp/blocks")
  }

  /// Four queues have taken part, and none was asked more often than it had commands.
  private static func expectServed(_ said: [String], commands: Int) throws {
    try expect(
      said.first?.hasSuffix("\(blockCount) blocks of 512 bytes") == true, "it said: \(said)")
    let interrupts = said.dropFirst().compactMap { line in
      Int(line.split(separator: " ").dropFirst(2).first ?? "")
    }
    try expectEqual(interrupts.count, 5, "queues")
    // Identify twice, the number of queues, and two commands for each queue.
    try expect((1...11).contains(interrupts[0]), "the admin queue: \(said)")
    let blocks = interrupts.dropFirst()
    try expect(blocks.allSatisfy { $0 > 0 } && blocks.reduce(0, +) <= commands, "\(said)")
  }

  private static func errors() throws {
    let beyond = try run("read /tmp/blocks \(blockCount) 1", 1)
    try expect(
      beyond.last?.contains("the disk has no 1 whole blocks from 8192 on") == true, "\(beyond)")
    try Guest.shell("printf 123 >/tmp/part")
    let part = try run("write /tmp/part 0", 1)
    try expect(part.last?.contains("no 0 whole blocks") == true, "\(part)")
    let usage = try run("read /tmp/blocks 0", 64)
    try expect(usage.last?.hasPrefix("usage: ") == true, "\(usage)")
    let absent = try Program(["pci-0000:00:1e.0"], program: "nvme-example")
    try expectEqual(absent.wait(), 1, "exit status without a device")
    try expect(absent.text.contains("pci-0000:00:1e.0"), absent.text)
  }

  /// The unbind of its driver returns, and the example says why it could not go on.
  private static func returned() throws {
    try Guest.bindVFIO(Guest.nvme)
    // Reads for as long as it is let.
    let loop = "while ./nvme-example \(disk) read /tmp/blocks 0 \(blockCount); do :; done"
    let program = try Program(["-c", loop], program: "/bin/sh")
    // Its last queue has its vector: it is about to read.
    try Guest.waitFor("the last queue") {
      try Guest.kernelCount(action: "vfio-msix[4](\(Guest.nvme))") != nil
    }
    let start = Clock.now
    Guest.write(Guest.nvme, to: "/sys/bus/pci/drivers/vfio-pci/unbind")
    let took = Clock.now - start
    try expectEqual(program.wait(), 0, "exit status of the loop")
    try expect(took < 3_000_000_000, "it took \(took / 1_000_000) ms")
    try expect(program.text.contains("nvme-example: "), program.text)
    _ = try run("")
  }
}
